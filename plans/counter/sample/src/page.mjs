// The page: it counts, and forgets.

export const page = `<!doctype html>
<title>Counter</title>
<p id="count">0</p>
<button id="more">More</button> <button id="reset">Reset</button>
<script>
  const count = document.getElementById("count");
  let number = 0;
  const show = (next) => { number = next; count.textContent = next; };
  document.getElementById("more").onclick = () => show(number + 1);
  document.getElementById("reset").onclick = () => show(0);
</script>
`;

// The page: it counts, and remembers.

export const page = `<!doctype html>
<title>Counter</title>
<p id="count">0</p>
<button id="more">More</button> <button id="reset">Reset</button>
<script>
  const count = document.getElementById("count");
  let number = Number(sessionStorage.getItem("count"));
  const show = (next) => {
    number = next;
    count.textContent = next;
    sessionStorage.setItem("count", next);
  };
  show(number);
  document.getElementById("more").onclick = () => show(number + 1);
  document.getElementById("reset").onclick = () => show(0);
</script>
`;

// The server: `node src/server.mjs PORT`.

import { createServer } from "node:http";
import { page } from "./page.mjs";

createServer((request, response) => {
  const found = request.url === "/";
  response.writeHead(found ? 200 : 404, { "content-type": "text/html; charset=utf-8" });
  response.end(found ? page : "not here");
}).listen(Number(process.argv[2]), "127.0.0.1");

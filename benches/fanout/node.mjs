// A stream as it is usually written in Node: a set of responses and a loop over it.
import { createServer } from "node:http";
import { createInterface } from "node:readline";

const [head, tail] = process.argv.slice(2);
const subscribers = new Set();

const server = createServer((_, response) => {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  response.write(": hi\n\n");
  subscribers.add(response);
  response.on("close", () => subscribers.delete(response));
});

let number = 0;
function publish() {
  number += 1;
  const event = `id: ${number}\nevent: sample\ndata: ${head}${process.hrtime.bigint()}${tail}\n\n`;
  for (const response of subscribers) response.write(event);
}

createInterface({ input: process.stdin })
  .on("line", (line) => setInterval(publish, 1000 / Number(line.split(" ")[0])))
  .on("close", () => process.exit());

server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => console.log(`listening ${server.address().port}`));

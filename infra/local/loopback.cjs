// Preloaded into a Node.js server: whatever port it listens on, it does so on the loopback interface only.
const { Server } = require("node:net");

const listen = Server.prototype.listen;
Server.prototype.listen = function (first, ...rest) {
  if (first !== null && typeof first === "object" && "port" in first) {
    return listen.call(this, { ...first, host: "127.0.0.1" }, ...rest);
  }
  if (Number.isInteger(Number(first))) {
    return listen.call(this, first, "127.0.0.1", ...rest.filter((argument) => typeof argument !== "string"));
  }
  return listen.call(this, first, ...rest);
};

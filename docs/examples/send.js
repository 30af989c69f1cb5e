// Sends one event to Lapse: send.js HOST:PORT ORDER_ID [EVENT_TYPE].
// Once: npm install @grpc/grpc-js @grpc/proto-loader. Run where the proto folder is, or name it in LAPSE_PROTO; GOOGLEAPIS is the folder third_party/googleapis of Debian's
// golang-github-grpc-ecosystem-grpc-gateway-dev (npm's google-proto-files has it too).
"use strict";

const { randomUUID } = require("node:crypto");
const grpc = require("@grpc/grpc-js");
const protoLoader = require("@grpc/proto-loader");

const [address, orderId, type = "order_created"] = process.argv.slice(2);
const definition = protoLoader.loadSync("lapse/v1/event_service.proto", {
  includeDirs: [process.env.LAPSE_PROTO || "proto", process.env.GOOGLEAPIS], longs: String });
const { EventService } = grpc.loadPackageDefinition(definition).lapse.v1;
const events = new EventService(address, grpc.credentials.createInsecure());

const event = {
  id: randomUUID(),
  source: "example-node",
  type,
  attributes: { order_id: { stringValue: orderId }, amount: { doubleValue: 99.5 } },
};
events.ingestEvent({ event }, { deadline: Date.now() + 10000 }, (error, answer) => {
  if (error) {
    console.error(`not sent: ${error.message}`);
    process.exit(1);
  }
  console.log(`${type} ${orderId} is on disk as number ${answer.sequence}`);
  process.exit(0);
});

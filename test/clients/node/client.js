// A client in Node.js (@grpc/grpc-js): sends events and streams alerts. Run by node_client_test.py with the server's
// address; exits 0 when everything it saw was as expected.
"use strict";

const assert = require("node:assert");
const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const protoLoader = require("@grpc/proto-loader");

const [address, root, googleapis] = process.argv.slice(2);
const definition = protoLoader.loadSync(
  ["event", "monitor", "alert"].map((name) => `lapse/v1/${name}_service.proto`),
  { includeDirs: [path.join(root, "proto"), googleapis], longs: String, enums: String, oneofs: true });
const v1 = grpc.loadPackageDefinition(definition).lapse.v1;
const credentials = grpc.credentials.createInsecure();
const events = new v1.EventService(address, credentials);
const monitors = new v1.MonitorService(address, credentials);
const alerts = new v1.AlertService(address, credentials);

function call(client, method, request) {
  return new Promise((resolve, reject) => {
    client[method](request, { deadline: Date.now() + 30000 },
      (error, response) => (error ? reject(error) : resolve(response)));
  });
}

function event(id, type) {
  return { id, source: "node", type, attributes: { orderId: { stringValue: "N-1" } } };
}

async function main() {
  const pattern = (eventType) => ({ eventType, keyAttribute: "orderId" });
  await call(monitors, "createMonitor", {
    monitorId: "node",
    monitor: { followUp: { primary: pattern("node_created"), secondary: pattern("node_delivered"),
      within: { nanos: 200000000 } } } });

  const stream = alerts.streamAlerts({ filter: 'monitor = "monitors/node"' }, { deadline: Date.now() + 30000 });
  const items = stream[Symbol.asyncIterator]();
  const nextChange = async () => {
    for (;;) {
      const { value } = await items.next();
      if (value.change) return value.change;
    }
  };
  assert.ok((await items.next()).value.synced, "the stream begins with a synced mark");

  const first = await call(events, "ingestEvent", { event: event("1", "node_created") });
  const copy = await call(events, "ingestEvent", { event: event("1", "node_created") });
  assert.strictEqual(copy.duplicate, true);
  assert.strictEqual(copy.sequence, first.sequence);

  const fired = await nextChange();
  assert.strictEqual(fired.alert.state, "STATE_FIRING");
  assert.strictEqual(fired.alert.key, "N-1");
  await call(events, "ingestEvent", { event: event("2", "node_delivered") });
  const resolved = await nextChange();
  assert.strictEqual(resolved.alert.state, "STATE_RESOLVED");
  assert.strictEqual(resolved.alert.reason, "REASON_FOLLOWED_LATE");
  stream.cancel();
}

main().then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});

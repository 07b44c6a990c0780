import { openRunLog } from "../run-log.ts";

// As a program: writes lines into a log until the system takes no more, tells why, and writes one more.
const log = await openRunLog(process.argv[2]);
const event = { kind: "silent", step: 1, rows: ["a row with a name that is rather long"] } as const;
for (;;) {
  try {
    await log.write(event);
  } catch (error) {
    process.stdout.write(`${String(error)}\n`);
    break;
  }
}
await log.write({ kind: "end", step: 1, complete: true }).then(
  () => process.stdout.write("written\n"),
  () => process.stdout.write("refused\n"),
);

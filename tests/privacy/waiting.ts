/** Prints that the work is done and keeps running until standard input ends, so that later reports are seen as well. */
export async function stay(): Promise<void> {
  console.log("done");
  for await (const _ of process.stdin);
}

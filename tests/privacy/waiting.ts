/** Says that the work is done and stays until standard input ends: what comes later must be seen as well. */
export async function stay(): Promise<void> {
  console.log("done");
  for await (const _ of process.stdin);
}

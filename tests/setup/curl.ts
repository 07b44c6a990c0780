import { execFileSync } from "node:child_process";

function works(): boolean {
  try {
    execFileSync("curl", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Whether to leave out the documents' command lines with curl: on a person's machine without it. In CI they fail. */
export const skipCurl = !works() && process.env.CI === undefined;

if (skipCurl) {
  console.warn(
    "Tests of documented command lines need curl: apt-get install -y --no-install-recommends curl; without it they are skipped",
  );
}

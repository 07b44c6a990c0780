import { relative } from "node:path";
import type { Reporter, TestModule } from "vitest/node";

/** Lists skipped tests at the end of a run, so that none is missing silently. */
export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = modules.flatMap((module) => {
      const skipped = [...module.children.allTests("skipped")].length;
      const path = relative(process.cwd(), module.moduleId);
      return skipped === 0 ? [] : [`  ${path}: ${skipped} of ${[...module.children.allTests()].length}`];
    });
    if (lines.length === 0) return;
    console.log("Left out, by a filter or because something they need is absent (warnings above say what):");
    console.log(`${lines.join("\n")}\n`);
  }
}

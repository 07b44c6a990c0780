import { execFileSync } from "node:child_process";

const instruction =
  "Tests of MP4 and WebM videos need ffmpeg: apt-get install -y --no-install-recommends ffmpeg";

const program = process.env.FFMPEG_PATH || "ffmpeg";

function works(): boolean {
  try {
    execFileSync(program, ["-version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const available = works();

/** Whether to leave out tests of video files: on a person's machine without ffmpeg. In CI they fail instead. */
export const skipFfmpeg = !available && process.env.CI === undefined;

if (skipFfmpeg) console.warn(`${instruction}; without it these tests are skipped`);

/** Runs ffmpeg with these arguments. */
export function ffmpeg(...args: string[]): void {
  if (!available) throw new Error(instruction);
  execFileSync(program, ["-v", "error", "-y", ...args], { stdio: ["ignore", "ignore", "inherit"] });
}

/**
 * Arguments that make a film of one grey a frame, from black on in even steps.
 *
 * @param frames their number, at ten a second
 * @param step how much lighter each frame is, in levels
 */
export function greyFilm(frames: number, step: number, size = "64x48"): string[] {
  const source = `color=c=black:s=${size}:r=10:d=${frames / 10}`;
  // Video levels go from 16 to 235.
  return [
    "-f",
    "lavfi",
    "-i",
    source,
    "-vf",
    `geq=lum='16+N*${(step * 219) / 255}':cb=128:cr=128`,
    "-pix_fmt",
    "yuv420p",
  ];
}

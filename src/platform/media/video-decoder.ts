import { spawn } from "node:child_process";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesOfKind, fileKind } from "../files/file-kind.ts";
import { MissingFfmpegError, VideoError } from "./video-error.ts";

export interface FrameSize {
  readonly width: number;
  readonly height: number;
}

/** Containers that ffmpeg may open: no playlists, which name other files. */
const CONTAINERS = "mov,matroska,avi,mpegts,mpeg,ogg,flv,asf";
/** Frames of more pixels are not decoded. */
const MAX_PIXELS = 64e6;
/** Frames of longer videos are not listed: eighteen hours of sixty a second. */
const MAX_FRAMES = 4e6;
/** One step (listing the frames, decoding one) takes no longer. */
const SECONDS_PER_STEP = 120;
/** The packet is decoded for others' sake and not shown. */
const DISCARD_FLAG = 4;

/**
 * When the frames of a video file are shown, in seconds, first to last: found from the packets, nothing is decoded.
 *
 * @param where the file's name for people, for errors
 * @param signal ends it
 * @throws VideoError where ffmpeg is missing or the file is no video it can read
 */
export async function readFrameTimes(path: string, where = path, signal?: AbortSignal): Promise<number[]> {
  const times: number[] = [];
  let secondsPerTick = Number.NaN;
  let rest = "";
  const takeLine = (line: string): void => {
    const base = /^#tb 0: (\d+)\/(\d+)/.exec(line);
    if (base) secondsPerTick = Number(base[1]) / Number(base[2]);
    // stream, decoding time, presentation time, duration, size, checksum, flags
    const packet = /^0,\s*-?\d+,\s*(-?\d+),.*?(?:F=0x([0-9A-F]+)|$)/.exec(line);
    if (packet && (Number.parseInt(packet[2] ?? "0", 16) & DISCARD_FLAG) === 0) times.push(Number(packet[1]));
  };
  const output = ["-c", "copy", "-f", "framecrc", "-"];
  await runFfmpeg(["-copyts", ...inputOf(path), ...output], { path, where, signal }, (bytes) => {
    const lines = (rest + Buffer.from(bytes).toString("latin1")).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(takeLine);
    if (times.length > MAX_FRAMES) {
      throw new VideoError(`${where}: must have at most ${MAX_FRAMES} frames, got more; cut it`);
    }
  });
  if (times.length === 0) throw new VideoError(`${where}: must be a video, got a file without frames`);
  if (times.some((time) => Math.abs(time) > Number.MAX_SAFE_INTEGER)) {
    throw new VideoError(
      `${where}: every frame must have a time, got some without; convert it to MP4 or WebM`,
    );
  }
  return times.sort((a, b) => a - b).map((time) => time * secondsPerTick);
}

/**
 * Whether ffmpeg finds the key frame before a time. In a stream without an index (MPEG, or a file that nothing tells of) it guesses, and
 * begins behind the frame, which is then another one or none.
 */
async function hasIndex(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(bytesOfKind), 0, bytesOfKind, 0);
    const kind = fileKind(buffer.subarray(0, bytesRead));
    return kind !== undefined && kind.name !== "MPEG";
  } finally {
    await file.close();
  }
}

/**
 * One frame of a video file, scaled by ffmpeg to `size` whatever its aspect. Only what the frame depends on is
 * decoded: from the key frame before it on, where the file tells where that is.
 *
 * @param times of all frames: `readFrameTimes`
 * @returns RGB, three bytes a pixel, rows from the top
 * @throws VideoError where the frame cannot be decoded
 */
export async function decodeVideoFrame(
  path: string,
  times: readonly number[],
  index: number,
  size: FrameSize,
  where = path,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const bytes = size.width * size.height * 3;
  const frame = new Uint8Array(bytes);
  let filled = 0;
  // Between two frames' times no rounding can hit the wrong one; the first needs no search.
  const from = (times[index - 1] + times[index]) / 2;
  const [seek, select] =
    index === 0
      ? [[], ""]
      : (await hasIndex(path))
        ? [["-seek_timestamp", "1", "-ss", from.toFixed(6)], ""]
        : [["-copyts"], `select=gte(t\\,${from.toFixed(6)}),`];
  const scale = `${select}scale=${size.width}:${size.height}:flags=bicubic`;
  const output = ["-frames:v", "1", "-vf", scale, "-pix_fmt", "rgb24", "-f", "rawvideo", "-"];
  await runFfmpeg([...seek, ...inputOf(path), ...output], { path, where, signal }, (part) => {
    frame.set(part.subarray(0, bytes - filled), filled);
    filled = Math.min(bytes, filled + part.length);
  });
  if (filled === bytes) return frame;
  throw new VideoError(
    `${where}: frame ${index} of ${times.length} cannot be decoded; the file is damaged or cut short`,
  );
}

/** Calls `use` with the path of a file of these bytes, which is gone afterwards: ffmpeg wants to seek in it. */
export async function withTemporaryFile<T>(bytes: Uint8Array, use: (path: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "mplug-owl-"));
  try {
    const path = join(directory, "video");
    await writeFile(path, bytes);
    return await use(path);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function inputOf(path: string): string[] {
  const limits = [
    "-protocol_whitelist",
    "file",
    "-format_whitelist",
    CONTAINERS,
    "-max_pixels",
    `${MAX_PIXELS}`,
  ];
  // "file:" keeps a name with a colon from being read as a protocol; 0:V:0 is the first stream that is no cover.
  return ["-threads", "2", ...limits, "-i", `file:${path}`, "-map", "0:V:0"];
}

/** The video that ffmpeg reads. */
interface ReadVideo {
  readonly path: string;
  /** Its name for people. */
  readonly where: string;
  readonly signal: AbortSignal | undefined;
}

async function runFfmpeg(
  args: readonly string[],
  { path, where, signal }: ReadVideo,
  take: (bytes: Uint8Array) => void,
): Promise<void> {
  signal?.throwIfAborted();
  const program = process.env.FFMPEG_PATH || "ffmpeg";
  const child = spawn(program, ["-v", "error", "-nostdin", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let failure: unknown;
  let said = "";
  const end = (reason: unknown): void => {
    failure ??= reason;
    child.kill("SIGKILL");
  };
  const late = new VideoError(
    `${where}: must be read within ${SECONDS_PER_STEP} seconds a step, got a longer one; shorten it`,
  );
  const timer = setTimeout(() => end(late), 1000 * SECONDS_PER_STEP);
  const abort = (): void => end(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  child.stdout.on("data", (bytes: Buffer) => {
    try {
      if (failure === undefined) take(bytes);
    } catch (error) {
      end(error);
    }
  });
  child.stderr.on("data", (bytes: Buffer) => {
    if (said.length < 1000) said += bytes.toString();
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", (error) => reject(missingFfmpeg(program, where, error)));
    child.on("close", resolve);
  }).finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  });
  if (failure !== undefined) throw failure;
  if (code !== 0)
    throw new VideoError(
      `${where}: must be a video that ffmpeg can read, got: ${reason(said.replaceAll(`file:${path}`, where), code)}`,
    );
}

function missingFfmpeg(program: string, where: string, cause: unknown): MissingFfmpegError {
  const named = process.env.FFMPEG_PATH
    ? `${program} (FFMPEG_PATH), which cannot be run`
    : "none on the PATH";
  return new MissingFfmpegError(
    `${where}: needs ffmpeg to be read, got ${named}. Install it (Debian and Ubuntu: apt-get install -y ffmpeg; ` +
      "macOS: brew install ffmpeg; Windows: winget install ffmpeg) or set FFMPEG_PATH. " +
      "Animated GIF and WebP need no ffmpeg.",
    { cause },
  );
}

/** What ffmpeg complained of last, without its own addresses. */
function reason(said: string, code: number | null): string {
  const lines = said.split("\n").map((line) => line.replace(/^\[[^\]]*\]\s*/, "").trim());
  return lines.filter((line) => line !== "").at(-1) ?? `exit code ${code}`;
}

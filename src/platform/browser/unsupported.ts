import type * as node from "../index.ts";
import { VideoError } from "../media/video-error.ts";
import { PlatformError } from "../platform-error.ts";

// Functions of Node that a browser does not support: each throws an error that says so.

const rejects = (what: string) => async (): Promise<never> => {
  throw new PlatformError(`${what}: needs Node, got a browser`);
};

export const appendText: typeof node.appendText = rejects("writing files");
export const changeTime: typeof node.changeTime = rejects("times of local files");
export const copyDirectory: typeof node.copyDirectory = rejects("writing files");
export const directoryEntries: typeof node.directoryEntries = rejects("listing a directory");
export const fileSize: typeof node.fileSize = rejects("sizes of local files");
export const freeBytes: typeof node.freeBytes = rejects("room on a disk");
export const linkFile: typeof node.linkFile = rejects("links between files");
export const makeDirectory: typeof node.makeDirectory = rejects("writing files");
export const moveFile: typeof node.moveFile = rejects("writing files");
export const openAppendOnlyFile: typeof node.openAppendOnlyFile = rejects("writing files");
export const removeFile: typeof node.removeFile = rejects("writing files");
export const removeDirectory: typeof node.removeDirectory = rejects("writing files");
export const replaceDirectory: typeof node.replaceDirectory = rejects("writing files");
export const tryLockFile: typeof node.tryLockFile = rejects("locks on files");
export const tryLock: typeof node.tryLock = rejects("locks on files");
export const writeFileAtomically: typeof node.writeFileAtomically = rejects("writing files");
export const writePiecesAtomically: typeof node.writePiecesAtomically = rejects("writing files");
export const zipEntries: typeof node.zipEntries = rejects(
  "PyTorch's zip archives (convert the model with `owl convert` first)",
);

/** No page is told. */
export const memoryLimits: typeof node.memoryLimits = () => [];
export const availableMemory: typeof node.availableMemory = () => Number.POSITIVE_INFINITY;
export const swapSpace: typeof node.swapSpace = () => 0;
export const residentMemory: typeof node.residentMemory = () => 0;
export const processorName: typeof node.processorName = () => "a browser's";
export const takenMemory: typeof node.takenMemory = () => 0;
export const wasmReservation: typeof node.wasmReservation = () => 0;

export const workerModule: typeof node.workerModule = () => undefined;
export const startWorkerPool: typeof node.startWorkerPool = () => {
  throw new PlatformError("threads of Node: need Node, got a browser");
};

export const startThreadPool: typeof node.startThreadPool = () => {
  throw new PlatformError("training: needs Node, got a browser");
};

// A page trains with no other process.
export const launchedProcesses: typeof node.launchedProcesses = () => 1;
export const openMessagePassing: typeof node.openMessagePassing = async () => undefined;
export const jobStarter: typeof node.jobStarter = () => undefined;
export const startMpiJob: typeof node.startMpiJob = rejects("several processes");
const noProcess = (): never => {
  throw new PlatformError("several processes: need Node, got a browser");
};
export const processPlace: typeof node.processPlace = noProcess;
export const isRunning: typeof node.isRunning = noProcess;
export const lastWords: typeof node.lastWords = noProcess;
export const onProcessEnd: typeof node.onProcessEnd = noProcess;

async function noVideo(): Promise<never> {
  throw new VideoError(
    "video: only animated GIF and WebP are decoded in a browser, got another file; give its frames (see docs/browser.md)",
  );
}

export const decodeVideoFrame: typeof node.decodeVideoFrame = noVideo;
export const readFrameTimes: typeof node.readFrameTimes = noVideo;
export const withTemporaryFile: typeof node.withTemporaryFile = noVideo;

/** A page's server knows its files' names. */
export const foundPath: typeof node.foundPath = async (path) => path;
export const nearHint: typeof node.nearHint = async () => "";

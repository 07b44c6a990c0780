export { cachedModel } from "./cache.ts";
export { ChecksumError, HubError } from "./errors.ts";
export { adapterPath, type ModelDirectoryOptions, modelDirectory, shippedModel } from "./model-directory.ts";
export { nameOfModel } from "./model-name.ts";
export { type PulledRepo, type PullOptions, pull } from "./pull.ts";
export { cardFile, type PushOptions, type PushReport, push } from "./push.ts";
export type { PushedFile } from "./push-files.ts";
export { parseRepoName, type RepoName, readRepoFile, readRepoName } from "./repo-name.ts";
export type { HubOptions, PullEvent } from "./settings.ts";

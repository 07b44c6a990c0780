/**
 * What to do where the environment names a proxy that Node does not use, for errors of the network; empty where there is
 * none, or it is used.
 */
export function proxyAdvice(endpoint: string): string {
  const names = [...(endpoint.startsWith("https:") ? ["HTTPS_PROXY"] : ["HTTP_PROXY"]), "ALL_PROXY"];
  const set = names.flatMap((name) => [name, name.toLowerCase()]).find((name) => process.env[name]);
  if (set === undefined) return "";
  const canUse = process.allowedNodeEnvironmentFlags.has("--use-env-proxy");
  const isUsed =
    canUse && (process.env.NODE_USE_ENV_PROXY === "1" || process.execArgv.includes("--use-env-proxy"));
  if (isUsed && !/all_proxy/i.test(set)) return "";
  const next = /all_proxy/i.test(set) ? "HTTPS_PROXY and NODE_USE_ENV_PROXY=1" : "NODE_USE_ENV_PROXY=1";
  const got = canUse ? "" : ` (this is ${process.version})`;
  return `; the proxy of ${set} was not used: Node from 22.21 and from 24.5 on uses it with ${next}${got}`;
}

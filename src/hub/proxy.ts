/**
 * What to do where the environment names a proxy that Node does not use, for errors of the network; empty where there is
 * none, or it is used.
 */
export function proxyAdvice(endpoint: string): string {
  const own = endpoint.startsWith("https:") ? "HTTPS_PROXY" : "HTTP_PROXY";
  const names = [own, own.toLowerCase(), "ALL_PROXY", "all_proxy"];
  const set = names.find((name) => process.env[name]);
  if (set === undefined) return "";
  const canUse = process.allowedNodeEnvironmentFlags.has("--use-env-proxy");
  const isOther = /^all_proxy$/i.test(set);
  if (canUse && isSwitchedOn() && !isOther) return "";
  const next = isOther ? `${own} and NODE_USE_ENV_PROXY=1` : "NODE_USE_ENV_PROXY=1";
  const got = canUse ? "" : ` (this is ${process.version})`;
  return `; the proxy of ${set} was not used: Node from 22.21 and from 24.5 on uses one with ${next}${got}`;
}

function isSwitchedOn(): boolean {
  const { NODE_USE_ENV_PROXY, NODE_OPTIONS = "" } = process.env;
  return (
    NODE_USE_ENV_PROXY === "1" || [...process.execArgv, NODE_OPTIONS].join(" ").includes("--use-env-proxy")
  );
}

import ipaddr from "ipaddr.js";

/** The global unicast addresses of IPv6; everything else has a special meaning. */
const globalUnicast = ipaddr.parseCIDR("2000::/3");

/** In the public range, but answered by the machine's own cloud (Azure's metadata and DNS). */
const ownCloud = ["168.63.129.16"];

/**
 * Whether an address is one of the public internet. Private, loopback, link-local, carrier-grade NAT, unique local,
 * multicast, reserved and documentation addresses are not, nor are the IPv6 forms that carry an IPv4 address in
 * them (mapped, translated, 6to4, Teredo), whatever that one is.
 *
 * @param address as a resolver gives it; anything else is not public
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== "unicast") return false;
  return parsed.kind() === "ipv4" ? !ownCloud.includes(parsed.toString()) : parsed.match(globalUnicast);
}

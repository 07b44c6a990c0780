import { readFileSync } from "node:fs";
import { createServer as createPlainServer, type RequestListener } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { isPublicAddress } from "./public-address.ts";
import { fetchRemoteFile, type HostAddress, normalisedHost, type RemoteFileOptions } from "./remote-file.ts";

const pem = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../tests/fixtures/tls/${name}`, import.meta.url)), "utf8");
const authorities = pem("certificate.pem");

const opened: { close(): void; closeAllConnections(): void }[] = [];
afterEach(() => {
  for (const server of opened.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A TLS server on this machine; its port. */
async function tlsServer(answer: RequestListener): Promise<number> {
  const server = createServer({ cert: authorities, key: pem("key.pem") }, answer);
  opened.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

const loopback: HostAddress = { address: "127.0.0.1", family: 4 };
/** As the server is asked in these tests: names lead to this machine, which is allowed here and nowhere else. */
function options(port: number, more: Partial<RemoteFileOptions> = {}): RemoteFileOptions {
  return {
    hosts: [`pictures.test:${port}`, `other.test:${port}`],
    maxBytes: 1000,
    authorities,
    resolve: async () => [loopback],
    isAllowedAddress: (address) => address === loopback.address,
    ...more,
  };
}

describe("isPublicAddress", () => {
  it.each([
    "8.8.8.8",
    "1.1.1.1",
    "93.184.216.34",
    "2606:4700:4700::1111",
    "2a00:1450:4001:81b::200e",
  ])("%s is public", (address) => expect(isPublicAddress(address)).toBe(true));

  it.each([
    ...["127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255"],
    ...["192.168.1.1", "169.254.169.254", "169.254.0.1", "100.64.0.1", "100.100.100.200", "192.0.0.192"],
    ...["192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1"],
    ...[
      "255.255.255.255",
      "168.63.129.16",
      "::",
      "::1",
      "fe80::1",
      "fe80::1%eth0",
      "fc00::1",
      "fd00:ec2::254",
    ],
    ...["ff02::1", "fec0::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:7f00:1", "::127.0.0.1"],
    ...[
      "64:ff9b::7f00:1",
      "64:ff9b:1::7f00:1",
      "2002:7f00:1::",
      "2001::1",
      "2001:db8::1",
      "100::1",
      "4000::1",
    ],
    ...["", "localhost", "example.org"],
  ])("%s is not", (address) => expect(isPublicAddress(address)).toBe(false));
});

describe("fetchRemoteFile", () => {
  it("fetches from the address that was checked, under the name that was asked for", async () => {
    const names: (string | undefined)[] = [];
    const port = await tlsServer((request, response) => {
      const { servername } = request.socket as { servername?: string };
      names.push(request.headers.host, servername, request.headers["accept-encoding"]);
      response.end("a picture");
    });
    let asked = 0;
    const bytes = await fetchRemoteFile(
      `https://pictures.test:${port}/a.png?b=c`,
      options(port, {
        resolve: async (name) => {
          asked++;
          expect(name).toBe("pictures.test");
          return [loopback];
        },
      }),
    );
    expect(new TextDecoder().decode(bytes)).toBe("a picture");
    expect(names).toEqual([`pictures.test:${port}`, "pictures.test", "identity"]);
    expect(asked).toBe(1);
  });

  // Every spelling of an address that a URL may have; the URL parser writes it out before anything is compared.
  const spellings = [
    ...["127.0.0.1", "2130706433", "0x7f000001", "017700000001", "0x7f.1", "127.1", "127.0.1", "0177.0.0.1"],
    ...["0", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:1]"],
    ...[
      "[::127.0.0.1]",
      "[64:ff9b::7f00:1]",
      "[fe80::1]",
      "[fd00:ec2::254]",
      "169.254.169.254",
      "0xa9fea9fe",
    ],
    ...["2852039166", "10.0.0.1", "192.168.0.1", "172.16.0.1", "100.64.0.1", "127。0。0。1", "①②⑦.0.0.1"],
  ];
  it.each(spellings)("refuses https://%s, also where that very host is allowed", async (host) => {
    const url = `https://${host}/latest/meta-data`;
    const strict = { maxBytes: 1000 };
    await expect(fetchRemoteFile(url, { ...strict, hosts: ["example.org"] })).rejects.toThrow(
      "must come from a host that the server allows",
    );
    await expect(fetchRemoteFile(url, { ...strict, hosts: [new URL(url).host] })).rejects.toThrow(
      "must have a public address, got one that is not",
    );
  });

  const privately: [says: string, addresses: string[]][] = [
    ["loopback", ["127.0.0.1"]],
    ["a private network", ["10.1.2.3"]],
    ["the metadata service", ["169.254.169.254"]],
    ["mapped loopback", ["::ffff:127.0.0.1"]],
    ["unique local", ["fd12::1"]],
    ["a public address and a private one", ["8.8.8.8", "192.168.0.1"]],
    ["nothing", []],
  ];
  it.each(privately)("refuses a name that leads to %s", async (_, addresses) => {
    const found = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    const asking = fetchRemoteFile("https://pictures.test/", {
      hosts: ["pictures.test"],
      maxBytes: 1000,
      resolve: async () => found,
    });
    await expect(asking).rejects.toThrow(/^remote file from pictures\.test: must have a public address, got/);
    for (const address of addresses) await expect(asking).rejects.not.toThrow(address);
  });

  const urls: [url: string, says: string][] = [
    ["http://pictures.test/", "must have an https: URL, got one of http:"],
    ["file:///etc/passwd", "must have an https: URL, got one of file:"],
    ["ftp://pictures.test/", "must have an https: URL"],
    ["gopher://pictures.test/", "must have an https: URL"],
    ["/etc/passwd", "must have a URL, got something else"],
    ["https://", "must have a URL"],
    ["https://pictures.test@evil.test/", "must have no user name in its URL, got one"],
    ["https://user:word@pictures.test/", "must have no user name in its URL, got one"],
    ["https://evil.test/pictures.test", "must come from a host that the server allows, got evil.test"],
    ["https://pictures.test.evil.test/", "got pictures.test.evil.test"],
    ["https://pictures.test./", "got pictures.test."],
    ["https://pictures.test:22/", "got pictures.test:22"],
    ["https://evil.test\\@pictures.test/", "got evil.test"],
    ["https://evil.test#@pictures.test/", "got evil.test"],
  ];
  it.each(urls)("refuses %s", async (url, says) => {
    const asking = fetchRemoteFile(url, { hosts: ["pictures.test"], maxBytes: 1, resolve: async () => [] });
    await expect(asking).rejects.toThrow(says);
  });

  it("follows redirects between allowed hosts, and checks each anew", async () => {
    let to = "";
    const port = await tlsServer((request, response) => {
      if (request.url === "/end") return void response.end("there");
      response.writeHead(302, { location: to }).end();
    });
    const start = `https://pictures.test:${port}/start`;
    to = `https://other.test:${port}/end`;
    expect(new TextDecoder().decode(await fetchRemoteFile(start, options(port)))).toBe("there");

    for (const [location, says] of [
      ["https://127.0.0.1/", "must come from a host that the server allows, got 127.0.0.1"],
      [`http://other.test:${port}/end`, "must have an https: URL"],
      ["file:///etc/passwd", "must have an https: URL"],
      ["/start", "must have at most 3 redirects, got more"],
    ]) {
      to = location;
      await expect(fetchRemoteFile(start, options(port))).rejects.toThrow(says);
    }
    to = `https://other.test:${port}/end`;
    const second = options(port, {
      resolve: async (name) => [name === "other.test" ? { address: "10.0.0.1", family: 4 } : loopback],
    });
    await expect(fetchRemoteFile(start, second)).rejects.toThrow("other.test:");
  });

  it("reads no more than it may, whatever the header says", async () => {
    const port = await tlsServer((request, response) => {
      if (request.url === "/said") response.writeHead(200, { "content-length": 5000 });
      if (request.url === "/packed") response.writeHead(200, { "content-encoding": "gzip" });
      response.write("x".repeat(600));
      setTimeout(() => response.write("x".repeat(600)), 10);
    });
    const from = (path: string): Promise<Uint8Array> =>
      fetchRemoteFile(`https://pictures.test:${port}${path}`, options(port));
    await expect(from("/said")).rejects.toThrow("must have at most 1000 bytes, got more");
    await expect(from("/streamed")).rejects.toThrow("must have at most 1000 bytes, got more");
    await expect(from("/packed")).rejects.toThrow("must have no content encoding");
  });

  it("takes no answer but 200, no name without its certificate, and no longer than it may", async () => {
    const port = await tlsServer((request, response) => {
      if (request.url === "/never") response.write("x");
      else response.writeHead(404).end();
    });
    const url = `https://pictures.test:${port}`;
    await expect(fetchRemoteFile(url, options(port))).rejects.toThrow("must have the status 200, got 404");
    const nameless = `https://nameless.test:${port}`;
    await expect(
      fetchRemoteFile(nameless, options(port, { hosts: [`nameless.test:${port}`] })),
    ).rejects.toThrow("got a connection that failed");
    await expect(fetchRemoteFile(`${url}/never`, options(port, { seconds: 0.1 }))).rejects.toThrow(
      "must come within 0.1 seconds",
    );
    const unresolved = options(port, { seconds: 0.1, resolve: () => new Promise(() => undefined) });
    await expect(fetchRemoteFile(url, unresolved)).rejects.toThrow("must come within 0.1 seconds");
    const stop = new AbortController();
    const stopped = fetchRemoteFile(`${url}/never`, options(port, { signal: stop.signal }));
    stop.abort(new Error("gone away"));
    await expect(stopped).rejects.toThrow("gone away");
  });

  it("speaks TLS only", async () => {
    const server = createPlainServer((_, response) => response.end("plain"));
    opened.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await expect(fetchRemoteFile(`https://pictures.test:${port}/`, options(port))).rejects.toThrow(
      "got a connection that failed",
    );
  });
});

describe("normalisedHost", () => {
  it.each([
    ["Example.ORG", "example.org"],
    ["example.org:443", "example.org"],
    ["example.org:8443", "example.org:8443"],
    ["https://example.org", undefined],
    ["example.org/path", undefined],
    ["user@example.org", undefined],
    ["", undefined],
  ])("%s → %s", (text, host) => expect(normalisedHost(text)).toBe(host));
});

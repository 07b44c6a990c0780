import { serveOwl } from "../../src/browser/index.ts";

serveOwl();

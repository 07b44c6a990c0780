import "./styles/page.css";
import { mount } from "svelte";
import WatchPage from "./watch/WatchPage.svelte";

mount(WatchPage, { target: document.getElementById("page")! });

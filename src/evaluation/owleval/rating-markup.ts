/** The page for grading, empty: what it shows is asked for by its script and put in as text, never as markup. */
export const ratingMarkup = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>OwlEval: grading</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css">
<script type="module" src="/page.js"></script>
</head>
<body>
<header>
  <h1>OwlEval: grading</h1>
  <p id="progress"></p>
  <progress id="bar" aria-labelledby="progress" value="0" max="1" hidden></progress>
</header>
<main id="welcome" hidden>
<form id="who">
  <label for="name">Your name, as it will stand beside your grades</label>
  <input id="name" required maxlength="60" autocomplete="off">
  <button>Begin</button>
</form>
</main>
<main id="work" tabindex="-1" hidden>
  <section id="left" aria-label="Picture and question" tabindex="0">
    <img id="picture" alt="">
    <h2 id="place" tabindex="-1"></h2>
    <ol id="earlier" aria-label="Asked before about this picture"></ol>
    <p id="question"></p>
    <dl id="grades"></dl>
    <p id="keys"><kbd>1</kbd>–<kbd>9</kbd> choose an answer · <kbd>a</kbd> <kbd>b</kbd> <kbd>c</kbd> <kbd>d</kbd> grade it ·
      <kbd>n</kbd> note (<kbd>Enter</kbd> keeps it)</p>
  </section>
  <section id="answers" aria-label="Answers"></section>
</main>
<footer>
  <p id="said" role="status"></p>
  <nav id="moves" aria-label="Questions" hidden>
    <button id="previous" type="button" aria-keyshortcuts="k">← previous <kbd>k</kbd></button>
    <button id="next" type="button" aria-keyshortcuts="j">next <kbd>j</kbd> →</button>
    <button id="open" type="button" aria-keyshortcuts="o">next open <kbd>o</kbd></button>
    <button id="undo" type="button" aria-keyshortcuts="u">undo <kbd>u</kbd></button>
  </nav>
</footer>
</body>
</html>
`;

export const ratingStyle = `
:root {
  color-scheme: light dark;
  --ground: #fff; --raised: #f4f5f7; --ink: #1b1f24; --faint: #57606a; --line: #c9d1d9; --mark: #0b5cad; --on-mark: #fff;
  --wrong: #a40e26;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171b; --raised: #1e2329; --ink: #e8eaed; --faint: #a3adb8; --line: #444c56; --mark: #79b8ff; --on-mark: #0b1015;
    --wrong: #ff8b98;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; height: 100vh; height: 100dvh; display: flex; flex-direction: column; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1.5rem; padding: .6rem 1rem; border-bottom: 1px solid var(--line); }
h1 { font-size: 1.05rem; margin: 0; }
header p { margin: 0; color: var(--faint); }
progress { flex: 1; min-width: 8rem; accent-color: var(--mark); }
form { display: grid; gap: .6rem; max-width: 24rem; margin: 4rem auto; padding: 0 1rem; }
input, textarea, button { font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--line); border-radius: 6px; padding: .35rem .6rem; }
button { cursor: pointer; background: var(--raised); }
button:hover { border-color: var(--mark); }
:focus-visible { outline: 3px solid var(--mark); outline-offset: 1px; }
#work:focus { outline: none; }
kbd { font: .85em ui-monospace, monospace; border: 1px solid var(--line); border-radius: 4px; padding: 0 .3em; }
#work { flex: 1; overflow-y: auto; scroll-padding: .5rem 0; display: grid; grid-template-columns: minmax(18rem, 2fr) 3fr; gap: 1.5rem; padding: 1rem; align-items: start; grid-auto-rows: max-content; }
#left { position: sticky; top: 0; max-height: calc(100dvh - 8.5rem); overflow: auto; }
#picture { display: block; max-width: 100%; max-height: 36vh; border: 1px solid var(--line); background: #fff; }
h2 { font-size: .95rem; font-weight: 400; color: var(--faint); margin: .8rem 0 .2rem; }
#earlier { margin: 0; padding-left: 1.4rem; color: var(--faint); }
#question { font-size: 1.2rem; font-weight: 600; margin: .2rem 0 .8rem; overflow-wrap: anywhere; }
footer { margin-top: auto; display: flex; flex-wrap: wrap; align-items: center; gap: .4rem 1rem; padding: .5rem 1rem; background: var(--ground); border-top: 1px solid var(--line); }
nav { display: flex; flex-wrap: wrap; gap: .4rem; margin-left: auto; }
#grades { display: grid; grid-template-columns: auto 1fr; gap: .2rem .7rem; margin: 1rem 0 .5rem; font-size: .9rem; }
dt { font-weight: 700; }
dd { margin: 0; }
#keys { font-size: .85rem; color: var(--faint); margin: 0; }
article { border: 2px solid var(--line); border-radius: 8px; padding: .7rem .9rem; margin-bottom: .9rem; }
article[aria-current=true] { border-color: var(--mark); background: var(--raised); }
article h3 { font-size: .9rem; margin: 0 0 .3rem; color: var(--faint); }
.text { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0 0 .6rem; }
.none { color: var(--faint); font-style: italic; }
details { color: var(--faint); font-size: .9rem; margin-bottom: .5rem; }
.grading { display: flex; flex-wrap: wrap; gap: .4rem; align-items: center; }
.grading button { min-width: 3rem; font-weight: 700; }
.grading button[aria-pressed=true] { background: var(--mark); border-color: var(--mark); color: var(--on-mark); }
.grading input { flex: 1; min-width: 10rem; }
#said { margin: 0; overflow-wrap: anywhere; }
#said.wrong { color: var(--wrong); font-weight: 700; }
@media (max-width: 60rem) { #work { grid-template-columns: 1fr; } #left { position: static; max-height: none; overflow: visible; } }
@media (max-width: 40rem) { #said { min-height: 1.5em; width: 100%; } nav { margin: 0; width: 100%; } nav button { flex: 1 1 auto; padding: .3rem; font-size: .9rem; } }
@media (pointer: coarse) { kbd, #keys { display: none; } button { min-height: 2.75rem; } }
@media (prefers-reduced-motion: no-preference) { article { transition: border-color .1s; } }
`;

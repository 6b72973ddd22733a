// Drives a headless Chromium for the tests in Go: a command in JSON a line on standard input, an answer in JSON a
// line on standard output, in turn. It ends with its input.
//
//   open   url width height scheme ("light", "dark") javascript reduced   a new window; the one before is closed
//   eval   code            the value of an expression in the page, a Promise's result
//   type   selector text   in place of what is there
//   click  selector
//   press  key
//   shot                   what is in the window, as PNG in base64
//   axe                    what axe-core complains of: [{id, impact, help, nodes: [target]}]
//   busy                   for how many ms the page has kept a processor since open, however many others wanted it
//   heard                  since open: {console: errors and warnings, requests: URLs}
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const browser = await chromium.launch({
  executablePath: process.argv[2],
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
let context, page, tools, heard;

const commands = {
  async open({ url, width, height, scheme, javascript, reduced }) {
    await context?.close();
    context = await browser.newContext({
      viewport: { width, height }, colorScheme: scheme, javaScriptEnabled: javascript, reducedMotion: reduced ? 'reduce' : 'no-preference', bypassCSP: false,
    });
    page = await context.newPage();
    tools = await context.newCDPSession(page);
    await tools.send('Performance.enable', { timeDomain: 'threadTicks' });
    heard = { console: [], requests: [] };
    page.on('console', (m) => { if (['error', 'warning'].includes(m.type())) heard.console.push(m.text()); });
    page.on('pageerror', (e) => heard.console.push(String(e)));
    page.on('request', (r) => heard.requests.push(r.url()));
    await page.goto(url, { waitUntil: 'domcontentloaded' });
  },
  eval: ({ code }) => page.evaluate(code),
  type: ({ selector, text }) => page.fill(selector, text),
  click: ({ selector }) => page.click(selector),
  press: ({ key }) => page.keyboard.press(key),
  shot: async () => (await page.screenshot()).toString('base64'),
  async axe() {
    // By the protocol of the browser's tools, for which the page's policy does not count.
    const { readFile } = await import('node:fs/promises');
    await page.evaluate(await readFile(axe, 'utf8'));
    const { violations } = await page.evaluate('axe.run(document, { resultTypes: ["violations"] })');
    return violations.map(({ id, impact, help, nodes }) => ({ id, impact, help, nodes: nodes.map((n) => `${n.target.join(' ')}: ${n.failureSummary}`) }));
  },
  async busy() {
    const { metrics } = await tools.send('Performance.getMetrics');
    return 1000 * metrics.find(({ name }) => name === 'TaskDuration').value;
  },
  heard: () => heard,
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await commands[command.do](command)) ?? null };
  } catch (err) {
    answer = { error: String(err.stack ?? err) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();

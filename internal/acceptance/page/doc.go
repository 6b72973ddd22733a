// Package page looks at the service's page with a real browser, headless Chromium, while a real `onetoken
// refresher --config` runs on a real Redis. browser.mjs drives the browser by playwright-core, which package-lock.json
// pins beside axe-core and "npm ci" installs.
package page

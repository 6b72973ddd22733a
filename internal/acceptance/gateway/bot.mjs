// A bot, as a user of the SDK writes one: nothing in it knows of the gateway but the three variables that
// every bot has. It does what each line of its input says, and prints what came of it as a line of JSON,
// until its input ends. Node 20 or later.
//
//   APP_ID=cli_a APP_SECRET=... BASE_URL=http://127.0.0.1:8082 node bot.mjs
//
//   {"do": "message", "text": "hello"}        {"ok": true, "id": "om_..."}
//   {"do": "upload", "file": PATH}            {"ok": true, "key": "file_...", "sha256": of what arrived}
//   {"do": "download", "key": "file_..."}     {"ok": true, "sha256": of what came, "name": Content-Disposition}
//   {"do": "save", "key": "...", "file": PATH} {"ok": true}
//
// A failure is {"ok": false, "status": of HTTP, "code": the API's, "message": the SDK's}. What the SDK logs
// goes to standard error.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import * as lark from '@larksuiteoapi/node-sdk';

const log = (...args) => console.error(...args);
const client = new lark.Client({
  appId: process.env.APP_ID,
  appSecret: process.env.APP_SECRET,
  domain: process.env.BASE_URL,
  loggerLevel: lark.LoggerLevel.debug,
  logger: { error: log, warn: log, info: log, debug: log, trace: log },
});

const tasks = {
  async message({ text }) {
    const sent = await client.im.message.create({
      params: { receive_id_type: 'open_id' },
      data: { receive_id: 'ou_1', msg_type: 'text', content: JSON.stringify({ text }) },
    });
    return { id: sent.data.message_id };
  },
  async upload({ file }) {
    const { file_key, sha256 } = await client.im.file.create({
      data: { file_type: 'stream', file_name: 'some.bin', file: createReadStream(file) },
    });
    return { key: file_key, sha256 };
  },
  async download({ key }) {
    const file = await client.im.file.get({ path: { file_key: key } });
    const hash = createHash('sha256');
    for await (const chunk of file.getReadableStream()) hash.update(chunk);
    return { sha256: hash.digest('hex'), name: file.headers['content-disposition'] };
  },
  async save({ key, file }) {
    await (await client.im.file.get({ path: { file_key: key } })).writeFile(file);
    return {};
  },
};

// codeOf is the API's code in an error of the SDK's. Of a download the SDK hands on an answer that is yet to
// be read, and keeps its connection until it is.
async function codeOf(err) {
  let answer = err.response?.data;
  if (answer?.readable) {
    answer = JSON.parse(Buffer.concat(await answer.toArray()));
  }
  return answer?.code;
}

for await (const line of createInterface({ input: process.stdin })) {
  const task = JSON.parse(line);
  let came;
  try {
    came = { ok: true, ...(await tasks[task.do](task)) };
  } catch (err) {
    came = { ok: false, status: err.response?.status, code: await codeOf(err), message: err.message };
  }
  console.log(JSON.stringify(came));
}

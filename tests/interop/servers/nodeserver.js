// A TLS server on Node's https module, for the interop tests: nodeserver.js PORT OPTIONS(JSON).
const fs = require('fs');
const https = require('https');

const options = JSON.parse(process.argv[3]);
for (const file of ['key', 'cert', 'ca']) {
  if (options[file]) options[file] = fs.readFileSync(options[file]);
}
const server = https.createServer(options, (request, response) => response.end('ok'));
server.on('tlsClientError', (e) => console.error(e.code, e.message));
server.listen(Number(process.argv[2]), '127.0.0.1');

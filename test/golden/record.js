// Rewrites the golden files of the codecs. See README.md.
"use strict";
const fs = require("fs");
const path = require("path");

const root = path.join(__dirname, "..", "..");

function write(file, cases) {
  file = path.join(root, file);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  // One case a line, so that diffs can be read.
  const group = (list) => "[\n" + list.map((c) => "    " + JSON.stringify(c)).join(",\n") + "\n  ]";
  const body = Object.keys(cases).map((key) => `  "${key}": ${group(cases[key])}`);
  fs.writeFileSync(file, "{\n" + body.join(",\n") + "\n}\n");
}

write("internal/enginewire/testdata/golden.json", require("./engine"));
write("socketio/packet/testdata/golden.json", require("./socket"));

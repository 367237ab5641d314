'use strict';
// Prints the documents of YAML files as JSON, one a line: node yaml.js <file>...

const fs = require('fs');
const { parseAllDocuments } = require('yaml');

for (const file of process.argv.slice(2)) {
  for (const doc of parseAllDocuments(fs.readFileSync(file, 'utf8'), { merge: true })) {
    if (doc.errors.length > 0) throw new Error(`${file}: ${doc.errors[0].message}`);
    console.log(JSON.stringify({ file, doc: doc.toJS() }));
  }
}

// Compares two CSV files by their column id in DuckDB: node diff.mjs OLD NEW
import { DuckDBInstance } from '@duckdb/node-api';
const [older, newer] = process.argv.slice(2);
const db = await (await DuckDBInstance.create(':memory:')).connect();
const read = f => `read_csv('${f}', header = true, all_varchar = true, delim = ',', quote = '"', escape = '"', strict_mode = true)`;
const result = await db.runAndReadAll(`
  SELECT count(*) FILTER (a.id IS NULL) AS added, count(*) FILTER (b.id IS NULL) AS removed,
         count(*) FILTER (a.id IS NOT NULL AND b.id IS NOT NULL AND hash(a) <> hash(b)) AS changed
  FROM ${read(older)} a FULL OUTER JOIN ${read(newer)} b ON a.id = b.id`);
console.log(JSON.stringify(result.getRowObjects()[0], (_, v) => typeof v === 'bigint' ? Number(v) : v));

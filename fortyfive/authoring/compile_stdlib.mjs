// Compiles the standard library in Pyodide's folder, by that very Pyodide, so that no page has to: three quarters of the
// time in which Python starts are spent on it. Run with the folder as its argument.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const library = join(folder, "python_stdlib.zip");
const COMPILE = `
import io, zipfile
from importlib._bootstrap_external import _code_to_hash_pyc

compiled = io.BytesIO()
with zipfile.ZipFile(io.BytesIO(source.to_bytes())) as old, zipfile.ZipFile(compiled, "w") as new:
    for name in sorted(old.namelist()):
        if name.endswith("/"):
            continue
        data = old.read(name)
        if name.endswith(".py"):
            code = compile(data, name, "exec", dont_inherit=True)
            # Never compared with a source: there is none beside it.
            name, data = name + "c", bytes(_code_to_hash_pyc(code, bytes(8), checked=False))
        new.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
compiled.getvalue()
`;

const { loadPyodide } = await import(pathToFileURL(join(folder, "pyodide.mjs")).href);
const python = await loadPyodide({ env: { PYTHONHASHSEED: "0" } });
python.globals.set("source", new Uint8Array(readFileSync(library)));
writeFileSync(library, python.runPython(COMPILE).toJs());

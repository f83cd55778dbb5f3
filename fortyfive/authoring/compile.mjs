// Compiles the Python sources of an archive by the very Pyodide that will load it, so that no page has to: most of the
// time in which Python starts would be spent on that. Arguments: the folder of Pyodide, the archive.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, archive] = process.argv.slice(2);
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
python.globals.set("source", new Uint8Array(readFileSync(archive)));
writeFileSync(archive, python.runPython(COMPILE).toJs());

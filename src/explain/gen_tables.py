#!/usr/bin/env python3
"""Turns errors/*.tsv into the C tables of this folder: gen_tables.py OUT.c FILE...

The format is told in README.md. Mistakes in the data end the build with file and line."""
import collections
import pathlib
import re
import sys

PLACEHOLDERS = {"*": "\1", "word": "\2", "n": "\3", "ossl": "\4", "alert": "\5", "alert#": "\6", "**": "\7",
                "packed": "\16"}
START, END = "\13", "\14"
ANCHOR_MAX = 14
SIDES = {"client": "TW_ROW_CLIENT", "server": "TW_ROW_SERVER", "either": "TW_ROW_EITHER"}
LIBS = dict(SYS=2, RSA=4, EVP=6, PEM=9, X509=11, ASN1=13, EC=16, SSL=20, BIO=32, X509V3=34, PKCS12=35, DSO=37,
            OCSP=39, STORE=44, CMS=46, TS=47, CT=50, PROV=57, DECODER=60, VERIFY=0xfe)
BORING = dict(RSA=4, EVP=6, PEM=9, X509=11, ASN1=12, EC=15, SSL=16, X509V3=20)


def fail(where, why):
    sys.exit("%s: %s" % (where, why))


def fold(text):
    """As fold.c does."""
    text = re.sub("[‘’‚“”„«»‹›´\"`]", "'", text)
    text = re.sub("[–—‑]", "-", text.replace("\u00a0", " "))
    return re.sub(r"\s+", " ", re.sub("[A-Z]", lambda m: m.group(0).lower(), text))


def compile_pattern(text, where):
    text = fold(text)
    front = text.startswith("^")
    back = text.endswith("$")
    out, pos = [START] if front else [], int(front)
    body = text[pos:len(text) - back]
    for part in re.split(r"(\{(?:\*\*?|word|n|ossl|alert#?|packed)\})", body):
        key = part[1:-1]
        if part.startswith("{") and key in PLACEHOLDERS:
            out.append(PLACEHOLDERS[key])
        else:
            out.append(part)
    if back:
        out.append(END)
    pattern = "".join(out)
    if pattern[:1] in ("\1", "\2", "\7") or pattern[-1:] in ("\1", "\7"):
        fail(where, "a pattern begins or ends with a gap")
    return pattern


def literals(pattern):
    return [s for s in re.split("[\1-\7\13\14\16]", pattern) if s]


class Tables:
    def __init__(self):
        self.causes, self.rows, self.reasons, self.alerts = [], [], [], []
        self.index = {}

    def cause_list(self, text, where):
        names = [c for c in re.split(r"[ ,]+", text.strip()) if c and c != "-"]
        for c in names:
            if c not in self.index:
                fail(where, "there is no cause '%s'" % c)
        return [self.index[c] for c in names]

    def read(self, path):
        kind = {"causes": self.cause, "reasons": self.reason, "alerts": self.alert,
                "hints": self.hint}.get(path.stem, self.row)
        stack = None
        for no, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            where = "%s:%d" % (path.name, no)
            if not line.strip() or line.startswith("#"):
                continue
            if line.startswith("@"):    # stack for the rows that follow
                stack = line[1:].strip()
                continue
            kind(line.split("\t"), where, stack)

    def cause(self, f, where, _):
        if len(f) != 3:
            fail(where, "id, frequency, failed_at are wanted")
        self.index[f[0]] = len(self.causes)
        self.causes.append((f[0], int(f[1]), f[2]))

    def row(self, f, where, stack, hint=False):
        if len(f) not in (3, 4):
            fail(where, "pattern, side, causes[, note] are wanted")
        pattern = compile_pattern(f[0], where)
        proves, vague = f[2].startswith("!"), f[2].startswith("~")
        causes = self.cause_list(f[2].lstrip("!~"), where)
        side, _, sends = f[1].partition("-")
        if side not in SIDES or sends not in ("", "sends") or stack is None:
            fail(where, "the side is client, server or either; the stack is in a line before, after @")
        if not literals(pattern):
            fail(where, "nothing literal in it")
        self.rows.append(dict(pattern=pattern, stack=stack, side=side, sends=bool(sends), causes=causes, proves=proves, vague=vague, hint=hint,
                              note=f[3] if len(f) > 3 else None, where=where,
                              context=not causes and not re.search("[\4-\6\16]", pattern)))

    def hint(self, f, where, _):
        if len(f) != 2:
            fail(where, "pattern, causes are wanted")
        self.row([f[0], "either", f[1]], where, "hint", hint=True)

    def reason(self, f, where, _):
        if len(f) != 4:
            fail(where, "library:code, symbol, text, causes are wanted")
        lib, code = f[0].split(":")
        table = BORING if lib.startswith("BORING/") else LIBS
        name = lib.split("/")[-1]
        if name not in table:
            fail(where, "library '%s'?" % lib)
        number = table[name] | (0x80 if table is BORING else 0)
        alert = int(code) - 1000 if name == "SSL" and int(code) >= 1000 and int(code) < 1200 else -1
        self.reasons.append(dict(lib=number, code=int(code), symbol=f[1], text=f[2], alert=alert,
                                 vague=f[3].startswith("~"), causes=self.cause_list(f[3].lstrip("~"), where)))

    def alert(self, f, where, _):
        if len(f) != 4:
            fail(where, "number, names, causes when the server sent it, when the client did")
        names = [re.sub("[ _-]", "", fold(n)) for n in f[1].split(",")]
        self.alerts.append((int(f[0]), sorted(set(names)), self.cause_list(f[2], where),
                            self.cause_list(f[3], where)))

    def anchors(self):
        """For each row a piece of its literals that few other rows have."""
        grams = collections.Counter()
        for r in self.rows:
            seen = set()
            for s in literals(r["pattern"]):
                seen |= {s[i:i + 5] for i in range(max(1, len(s) - 4))}
            grams.update(seen)
        anchors = collections.OrderedDict()
        for i, r in enumerate(self.rows):
            # An anchor in the first literal is verified without a search.
            parts = literals(r["pattern"])
            first = parts[0] if len(parts[0]) >= 6 and r["pattern"].lstrip(START).startswith(parts[0]) else None
            pool = [first] if first else [p for p in parts if len(p) == max(map(len, parts))]
            best = None
            for s in pool:
                width = min(ANCHOR_MAX, len(s))
                for at in range(len(s) - width + 1):
                    piece = s[at:at + width]
                    cost = min(grams[piece[k:k + 5]] for k in range(max(1, width - 4)))
                    if r["pattern"].index(piece) >= 0 and (best is None or cost < best[0]):
                        best = (cost, piece)
            r["anchor_text"] = best[1]
            anchors.setdefault(best[1], []).append(i)
        return anchors


def c_text(s):
    if s is None:
        return "NULL"
    out = []
    for b in s.encode("utf-8"):
        c = chr(b)
        out.append("\\%03o" % b if b < 32 or b > 126 or c in '"\\?' else c)
    return '"%s"' % "".join(out)


def emit(t, out):
    pool = collections.OrderedDict()

    def ref(lst):
        return "L%d" % pool.setdefault(tuple(lst), len(pool))

    anchors = t.anchors()
    states = 1 + len({a[:n + 1] for a in anchors for n in range(len(a))})
    if states > 65000:
        sys.exit("the automaton's states do not fit 16 bits: shorten ANCHOR_MAX")
    place = {a: i for i, a in enumerate(anchors)}
    # Same text in several libraries: the first of the file is found.
    seen, reasons = {}, []
    for r in t.reasons:
        r["key"] = re.sub("[_-]", " ", fold(r["text"])).strip()
    rows = ["    {%s, %s, %s, %s, %d, %d, %s, %s, %s, %s, %s, %s}," % (
        c_text(r["pattern"]), c_text(r["stack"]), c_text(r["note"]), ref(r["causes"]),
        min(65535, sum(map(len, literals(r["pattern"])))), place[r["anchor_text"]], SIDES[r["side"]],
        *("true" if r[k] else "false" for k in ("proves", "vague", "hint", "context", "sends"))) for r in t.rows]
    reasons = ["    {%s, %s, %s, %d, %d, %d, %s}," % (c_text(r["key"]), c_text(r["symbol"]), ref(r["causes"]),
                                                      r["code"], r["lib"], r["alert"],
                                                      "true" if r["vague"] else "false")
               for r in sorted(t.reasons, key=lambda r: r["key"].encode())]
    alerts = ["    {%d, %s, %s, %s}," % (n, c_text("".join(x + " " for x in names)), ref(a), ref(b))
              for n, names, a, b in t.alerts]
    causes = ["    {%s, %d, %s}," % (c_text(i), f, c_text(p)) for i, f, p in t.causes]
    flat, lines = [], []
    for a, rows_of in anchors.items():
        lines.append("    {%s, %d, %d}," % (c_text(a), len(flat), len(rows_of)))
        flat += rows_of
    lists = ["static const uint8_t L%d[] = {%s};" % (n, ", ".join(map(str, list(k) + [255])))
             for k, n in pool.items()]
    w = out.write
    w("/* Made by gen_tables.py from errors/. */\n#include \"explain/explain_internal.h\"\n\n")
    w("\n".join(lists) + "\n\n")
    for kind, name, body in (("struct tw_row", "rows", rows), ("struct tw_reason", "reasons", reasons),
                             ("struct tw_alert_row", "alerts", alerts), ("struct tw_cause_row", "causes", causes),
                             ("struct tw_anchor", "anchors", lines)):
        w("const %s tw_explain_%s[] = {\n%s\n};\n" % (kind, name, "\n".join(body)))
        w("const size_t tw_explain_%s_n = sizeof tw_explain_%s / sizeof tw_explain_%s[0];\n\n" % (name, name, name))
    w("const size_t tw_explain_states = %d;\n\n" % states)
    w("const uint16_t tw_explain_anchor_rows[] = {\n%s\n};\n" % ",\n".join(
        "    " + ", ".join(map(str, flat[i:i + 20])) for i in range(0, len(flat), 20)))


def main():
    t = Tables()
    files = sorted(map(pathlib.Path, sys.argv[2:]), key=lambda p: (p.stem != "causes", p.stem))
    for path in files:
        t.read(path)
    with open(sys.argv[1], "w", encoding="ascii") as out:
        emit(t, out)


if __name__ == "__main__":
    main()

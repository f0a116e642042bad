"""The architecture, checked on the sources: who includes whom, and what the core keeps away from."""
import re
import unittest

from tw import TOP

SRC = TOP / "src"
# Folders that do no I/O, read no clock and have no state of their own.
CORE = ("base", "registry", "trace", "stream", "dialogue", "wire", "crypto", "engine", "passive", "x509",
        "rules", "explain", "report")
# One flag is all that a signal handler can reach.
MUTABLE_ALLOWED = {("src/cli/main.c", "interrupted")}


def folders():
    """Data-flow order as meson.build has it, and the front end below it."""
    text = (TOP / "meson.build").read_text()
    listed = re.search(r"foreach folder : \[(.*?)\]", text, re.S).group(1)
    return re.findall(r"'(\w+)'", listed) + ["cli"]


def strip_comments(text):
    """Comments become blanks; line numbers stay."""
    blank = lambda m: re.sub(r"[^\n]", " ", m.group(0))
    return re.sub(r"/\*.*?\*/|//[^\n]*", blank, text, flags=re.S)


def sources(*suffixes):
    for path in sorted(SRC.glob("*/*")):
        if path.suffix in suffixes:
            yield path, str(path.relative_to(TOP)), strip_comments(path.read_text())


def includes(text, pattern):
    return re.findall(r"^\s*#\s*include\s+%s" % pattern, text, re.M)


class Layout(unittest.TestCase):
    def test_every_folder_has_its_place(self):
        found = {p.name for p in SRC.iterdir() if p.is_dir()}
        self.assertEqual(found, set(folders()))

    def test_includes_only_upwards(self):
        order, seen = folders(), 0
        for path, name, text in sources(".c", ".h"):
            own = order.index(path.parent.name)
            for folder, rest in includes(text, r'"(\w+)/([^"]+)"'):
                if folder == "tlswhy":
                    continue
                seen += 1
                with self.subTest(file=name, include="%s/%s" % (folder, rest)):
                    self.assertIn(folder, order)
                    self.assertLessEqual(order.index(folder), own, "an include that points down")
        self.assertGreater(seen, 100)

    def test_includes_name_their_folder(self):
        for _, name, text in sources(".c", ".h"):
            for rest in includes(text, r'"([^"/]+)"'):
                self.fail('%s: #include "%s" without its folder' % (name, rest))

    def test_public_header_is_all_the_front_end_uses(self):
        for path, name, text in sources(".c", ".h"):
            if path.parent.name == "cli":
                with self.subTest(file=name):
                    self.assertLessEqual({f for f, _ in includes(text, r'"(\w+)/([^"]+)"')},
                                         {"cli", "tlswhy"})

    def test_openssl_only_in_crypto(self):
        with_it = {path.parent.name for path, _, text in sources(".c", ".h", ".def")
                   if includes(text, "<openssl/")}
        self.assertEqual(with_it, {"crypto"})

    def test_event_loop_only_below_the_core(self):
        for path, name, text in sources(".c", ".h"):
            if path.parent.name in CORE:
                with self.subTest(file=name):
                    self.assertEqual(includes(text, r"<((?:uv|ares|idn2|unistd|time|fcntl|netdb|dirent|"
                                                    r"pthread|signal|(?:sys|net|netinet|arpa)/\w+)\.h)>"),
                                     [])

    def test_core_calls_nothing_that_does_io(self):
        calls = re.compile(r"(?<![\w>.])(fopen|freopen|open|socket|connect|recv|recvfrom|sendto|read|"
                           r"write|time|clock|clock_gettime|gettimeofday|getenv|rand|srand|getrandom|"
                           r"sleep|usleep|printf|fprintf|puts|exit|abort|system|popen)\s*\(")
        for path, name, text in sources(".c"):
            if path.parent.name not in CORE:
                continue
            code = re.sub(r'"(?:\\.|[^"\\\n])*"', '""', text)
            defined = set(re.findall(r"^static [^;{}=]*?\b(\w+)\(", code, re.M))
            for m in calls.finditer(code):
                if m.group(1) not in defined:
                    self.fail("%s:%d calls %s()" % (name, code.count("\n", 0, m.start()) + 1,
                                                    m.group(1)))

    def test_no_mutable_statics(self):
        seen = 0
        for _, name, text in sources(".c", ".h"):
            # `static TYPE NAME` up to what tells a variable from a function
            for m in re.finditer(r"^[ \t]*static\s+([^;={(]+?)(\w+)((?:\[[^\]]*\])*)\s*(?==|;)", text,
                                 re.M):
                kind, var = m.group(1), m.group(2)
                seen += 1
                last = kind.rsplit("*", 1)[-1] if "*" in kind else kind
                if "const" not in last.split() and (name, var) not in MUTABLE_ALLOWED:
                    self.fail("%s:%d: %s is static and not const" % (
                        name, text.count("\n", 0, m.start(2)) + 1, var))
            # tables of an anonymous struct: `static const struct { ... } name[] =`
            for m in re.finditer(r"^[ \t]*static\s+(?:struct|union|enum)\s*\w*\s*\{", text, re.M):
                self.fail("%s:%d: a static table that is not const" % (
                    name, text.count("\n", 0, m.start()) + 1))
        self.assertGreater(seen, 40)


if __name__ == "__main__":
    unittest.main()

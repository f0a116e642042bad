"""The documentation says what the program does: options, commands, functions, links, pictures."""
import json
import os
import re
import shlex
import signal
import subprocess
import tempfile
import unittest

from tw import BUILD, TLSWHY, TOP, tlswhy

README = TOP / "README.md"
MANUAL = TOP / "docs/tlswhy.1"
ARCHITECTURE = TOP / "docs/ARCHITECTURE.md"
PAGES = sorted(p for p in TOP.glob("**/*.md")
               if not any(part.startswith(("build", ".")) for part in p.relative_to(TOP).parts))


def commands():
    """Names in the list that --help prints first."""
    listed = tlswhy("--help").out.split("COMMAND [options]\n\n")[1].split("\n\n")[0]
    return re.findall(r"^  \[?([a-z][a-z-]*)\]? .*\S$", listed, re.M)


def options_of(command):
    """(letter or None, long name or None) of each option in a command's help."""
    rows = re.findall(r"^  (?:(-.)|  )(?:, |  )?(--[a-z0-9-]+)?", tlswhy(command, "--help").out, re.M)
    return [(a or None, b or None) for a, b in rows if a or b]


def manual_text():
    """The page without roff: escapes and font changes go."""
    return re.sub(r"\\f.", "", MANUAL.read_text().replace(r"\-", "-"))


class Options(unittest.TestCase):
    def each(self):
        self.assertIn("check", commands())
        for command in commands():
            options = options_of(command)
            self.assertGreater(len(options), 4, command)
            for letter, name in options:
                yield command, letter, name

    def test_readme_has_every_option(self):
        text = README.read_text()
        for command, letter, name in self.each():
            for one in filter(None, (letter, name)):
                with self.subTest(command=command, option=one):
                    self.assertRegex(text, r"`%s[ `]" % re.escape(one))

    def test_manual_has_every_option(self):
        text = manual_text()
        for command, letter, name in self.each():
            for one in filter(None, (letter, name)):
                with self.subTest(command=command, option=one):
                    self.assertRegex(text, r"(?<![\w-])%s(?![\w-])" % re.escape(one))

    def test_readme_and_manual_know_no_other_option(self):
        known = {o for _, letter, name in self.each() for o in (letter, name)} | {"--version"}
        tables = re.findall(r"^\| (`-.*?) \|(?!.*\n\| ---)", README.read_text(), re.M)
        self.assertGreater(len(tables), 20)
        for row in tables:
            for one in re.findall(r"`(--?[a-z0-9][a-z0-9-]*)", row):
                with self.subTest(option=one):
                    self.assertIn(one, known)
        for line in re.findall(r"^\.B[IR]? (-.*)", manual_text(), re.M):
            for one in re.findall(r"(?<![\w-])--?[a-z0-9][a-z0-9-]*", line):
                with self.subTest(manual=one):
                    self.assertIn(one, known)

    def test_every_command_is_described(self):
        readme, manual = README.read_text(), manual_text()
        for command in commands():
            with self.subTest(command=command):
                self.assertRegex(readme, r"(?m)^### `tlswhy \[?%s\]?" % command)
                self.assertRegex(manual, r"(?m)^\.B %s$" % command)

    def test_exit_status_is_described(self):
        for page in (README.read_text(), manual_text()):
            for status in ("0", "1", "2", "3", "130"):
                self.assertRegex(page, r"(?m)^(?:\| |\.B )%s\b" % status)


class Manual(unittest.TestCase):
    def test_formats_without_complaints(self):
        for program in ("mandoc", "groff"):
            try:
                subprocess.run([program, "-h" if program == "groff" else "-V"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
            except FileNotFoundError:
                continue
            args = ["-Tlint", "-Wwarning"] if program == "mandoc" else ["-man", "-Tutf8", "-ww", "-z"]
            r = subprocess.run([program, *args, str(MANUAL)], capture_output=True, text=True)
            complaints = [l for l in (r.stdout + r.stderr).splitlines()
                          if "missing date" not in l and "text line" not in l]
            self.assertEqual(complaints, [])
            return
        self.skipTest("neither mandoc nor groff is installed")


class Sessions(unittest.TestCase):
    """Console blocks after a `<!-- run: PORT=FAULT ... -->` mark are run against the lab."""

    BLOCK = re.compile(r"<!-- run: (.*?) -->\n```console\n(.*?)```", re.S)

    def lab(self, faults, directory):
        p = subprocess.Popen([str(TLSWHY), "lab", "--json", "--write-ca", "lab-ca.pem", *faults],
                             stdout=subprocess.PIPE, text=True, cwd=directory)
        ports = {}
        while len(ports) < len(faults):
            line = p.stdout.readline()
            self.assertTrue(line, "the lab ended before it listed its servers")
            row = json.loads(line)
            ports[row["name"]] = row["port"]
        return p, ports

    def run_block(self, mark, block):
        want = dict(item.split("=") for item in mark.split())  # port in the text -> fault
        with tempfile.TemporaryDirectory() as directory:
            lab, ports = self.lab(sorted(set(want.values())), directory)
            try:
                self.run_commands(block, {p: ports[f] for p, f in want.items()}, directory)
            finally:
                lab.send_signal(signal.SIGINT)
                lab.communicate(timeout=30)

    def run_commands(self, block, ports, directory):
        for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M):
            words = shlex.split(command)
            self.assertEqual(words[0], "build/tlswhy", command)
            for old, new in ports.items():
                words = [w.replace(":" + old, ":%d" % new) for w in words]
            r = tlswhy(*words[1:], cwd=directory)
            out = r.out
            for old, new in ports.items():
                out = out.replace(":%d" % new, ":" + old)
            with self.subTest(command=command):
                self.assertEqual(r.err, "")
                # a port of another length may wrap the verdict elsewhere: compare its words
                first = lambda text: " ".join(text.split("\n\n")[0].split())
                self.assertEqual(first(out), first(shown))
                heads = lambda text: re.findall(r"^[A-Z][a-z ]+$", text, re.M)
                self.assertEqual(heads(out), heads(shown))

    def test_marked_sessions_are_real(self):
        blocks = self.BLOCK.findall(README.read_text())
        self.assertGreaterEqual(len(blocks), 2)
        for mark, block in blocks:
            self.run_block(mark, block)

    def test_every_command_line_parses(self):
        """With an empty list of targets in place of theirs: what is wrong is exit status 2."""
        text = README.read_text() + manual_text()
        lines = re.findall(r"^(?:build/)?tlswhy ((?!lab|replay|causes).*)$", text, re.M)
        self.assertGreater(len(lines), 6)
        with_value = set(re.findall(r"(-.|--[a-z-]+)(?:, --[a-z-]+)? [A-Z]",
                                    tlswhy("check", "--help").out))
        for line in lines:
            words = iter(shlex.split(re.split(r"\s[#|<]|\|\|", line)[0]))
            args = [w for word in words if word.startswith("-") and word != "-"
                    for w in ([word, next(words)] if word in with_value else [word])]
            with self.subTest(line=line):
                r = tlswhy(*args, "--", "-", input=b"")
                self.assertEqual((r.status, r.err), (0, ""))


class Architecture(unittest.TestCase):
    def sources(self):
        return "\n".join(p.read_text() for d in ("src", "include")
                         for p in sorted((TOP / d).glob("**/*")) if p.suffix in (".c", ".h"))

    def test_functions_exist(self):
        text, code = ARCHITECTURE.read_text(), self.sources()
        names = set(re.findall(r"`([a-z_][a-z0-9_]*)\(\)`", text)) - {
            "tw_x_new", "tw_x_free", "tw_x_init", "tw_x_cleanup",  # patterns, said so there
            "connect", "recv", "main"}
        self.assertGreater(len(names), 60)
        for name in sorted(names):
            with self.subTest(function=name):
                self.assertRegex(code, r"(?m)^(?:[\w*][\w *]*[ *])?%s\(" % name)

    def test_types_and_names_exist(self):
        text, code = ARCHITECTURE.read_text(), self.sources()
        for name in set(re.findall(r"`(?:struct |enum )(tw_\w+)`", text)) | \
                set(re.findall(r"`(TW_[A-Z0-9_]+)`", text)):
            with self.subTest(name=name):
                self.assertRegex(code, r"\b%s\b" % name)
        for path in set(re.findall(r"`((?:src|docs|tests|script)/[\w./*-]+)`", text)):
            with self.subTest(path=path):
                self.assertTrue(list(TOP.glob(path)), path)

    def test_order_graph_is_current(self):
        tool = BUILD / "tests/tools/order_graph"
        if not tool.exists():
            self.skipTest("the build has no tests/tools/order_graph")
        made = subprocess.run([str(tool)], capture_output=True, text=True, check=True).stdout
        kept = (TOP / "docs/handshake-order.md").read_text()
        self.assertEqual(kept, made, "run order_graph > docs/handshake-order.md")
        edges = set(re.findall(r"^    \w+ --> .*$", made, re.M))
        for edge in re.findall(r"^    \w+ --> .*$", ARCHITECTURE.read_text(), re.M):
            self.assertIn(edge, edges, "the excerpt in ARCHITECTURE.md is not of the table")

    def test_every_folder_has_its_readme(self):
        for folder in sorted(p for p in (TOP / "src").iterdir() if p.is_dir()):
            with self.subTest(folder=folder.name):
                text = (folder / "README.md").read_text()
                self.assertTrue(text.startswith("# %s\n" % folder.name))
                self.assertIn("src/%s/README.md" % folder.name, ARCHITECTURE.read_text())

    def test_files_named_in_a_folders_readme_exist(self):
        for page in sorted((TOP / "src").glob("*/README.md")):
            for name in re.findall(r"`([a-z0-9_*]+\.(?:c|h|def))`", page.read_text()):
                with self.subTest(page=str(page.relative_to(TOP)), file=name):
                    self.assertTrue(list(page.parent.glob(name)) or name == "tlswhy.h", name)


class Links(unittest.TestCase):
    @staticmethod
    def anchors(path):
        heads = re.findall(r"^#+ (.*)$", path.read_text(), re.M)
        return {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in heads}

    def test_relative_links_resolve(self):
        seen = 0
        for page in PAGES:
            text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
            for target in re.findall(r"\]\(([^)\s]+)\)", text):
                if re.match(r"[a-z]+:", target):
                    continue
                seen += 1
                path, _, anchor = target.partition("#")
                file = (page.parent / path).resolve() if path else page
                with self.subTest(page=str(page.relative_to(TOP)), link=target):
                    self.assertTrue(file.exists())
                    if anchor:
                        self.assertIn(anchor, self.anchors(file))
        self.assertGreater(seen, 20)

    def test_scripts_named_in_the_pages_exist(self):
        for page in PAGES:
            for name in re.findall(r"\bscript/[a-z-]+", page.read_text()):
                with self.subTest(page=str(page.relative_to(TOP)), script=name):
                    self.assertTrue(os.access(TOP / name, os.X_OK))


class Catalogue(unittest.TestCase):
    def test_snippets_fit_the_page_and_can_be_copied(self):
        rows = tlswhy("causes", "--json").objects()
        self.assertGreater(len(rows), 20)
        for cause in rows:
            for fix in cause["fix"]:
                for line in (fix["snippet"] or "").split("\n"):
                    with self.subTest(cause=cause["id"], fix=fix["for"]):
                        self.assertLessEqual(6 + len(line), 100)

    def test_text_fits_the_page(self):
        for args in [("causes",)] + [("causes", c["id"]) for c in tlswhy("causes", "--json").objects()]:
            for line in tlswhy(*args).out.splitlines():
                with self.subTest(args=args, line=line):
                    self.assertLessEqual(len(line), 100)
                    self.assertEqual(line, line.rstrip())


class Secrets(unittest.TestCase):
    """README.md, Security: what reports and traces keep to themselves."""

    def test_user_and_password_of_a_url(self):
        with tempfile.TemporaryDirectory() as directory:
            args = ("--save-trace", "t.jsonl", "https://user:hunter2@127.0.0.1:1/a@b?c=d")
            text = tlswhy(*args, cwd=directory)
            self.assertIn("https://127.0.0.1:1/a@b?c=d", text.out)
            made = tlswhy("--json", *args, cwd=directory)
            self.assertEqual(made.objects()[0]["target"]["input"], "https://127.0.0.1:1/a@b?c=d")
            with open(directory + "/t.jsonl") as f:
                for out in (text.out, made.out, f.read()):
                    self.assertNotIn("hunter2", out)

    def test_password_of_a_key(self):
        r = tlswhy("--pass", "hunter2", "127.0.0.1:1")
        self.assertIn("--pass ...", r.out)
        self.assertNotIn("hunter2", r.out)


class Page(unittest.TestCase):
    def test_reports_fit_100_columns(self):
        r = tlswhy("lab", "--diagnose", "-v", "healthy", "cert-expired", "rsa-kx-removed",
                   "starttls-needed-smtp", "client-cert-required", "name-mismatch")
        self.assertEqual((r.status, r.err), (0, ""))
        lines = r.out.splitlines()
        self.assertGreater(len(lines), 150)
        for line in lines:
            with self.subTest(line=line):
                self.assertLessEqual(len(line), 100)
                self.assertEqual(line, line.rstrip())

    def test_colour_only_when_asked(self):
        args = ("lab", "--diagnose", "-v", "cert-expired")
        self.assertNotIn("\033", tlswhy(*args).out)
        inked = tlswhy(*args, "--color", "always").out
        self.assertIn("\033[1;31mFAILS\033[0m ", inked)


if __name__ == "__main__":
    unittest.main()

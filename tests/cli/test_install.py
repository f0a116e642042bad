"""What `meson install` leaves, used as somebody would use it; man page and completions are whole."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import cliparts
import tw

COMMANDS = ["check", "pcap", "inspect", "explain", "replay", "lab", "causes", "stores"]

PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include <tlswhy/tlswhy.h>

int main(int argc, char **argv)
{
    struct tw_lib *lib = tw_lib_new();
    struct tw_options *options = tw_options_new();
    struct tw_result *result;
    const char *why;
    if (argc != 2 || lib == NULL || options == NULL)
        return 9;
    if (tw_options_set(options, lib, "timeout", "5", &why) != 0 ||
        tw_check(lib, options, argv[1], NULL, NULL, &result, &why) != 0) {
        fprintf(stderr, "%s\n", why);
        return 8;
    }
    char *json = tw_result_json(result);
    fputs(json, stdout);
    free(json);
    int status = tw_result_exit(result);
    tw_result_free(result);
    tw_options_free(options);
    tw_lib_free(lib);
    return status;
}
"""


def options_of(command):
    """(--long or None, -letter or None) of each line of its help."""
    found = []
    for line in tw.tlswhy(*command, "--help").out.splitlines():
        m = re.match(r"  (?:(-\w)|  )(?:, |  )(--[\w-]+)?", line)
        if m and (m.group(1) or m.group(2)):
            found.append((m.group(2), m.group(1)))
    return found


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        p = subprocess.run(["meson", "install", "-C", str(tw.RELEASE), "--no-rebuild", "--destdir",
                            cls.dir.name], capture_output=True, text=True)
        assert p.returncode == 0, p.stdout + p.stderr
        cls.root = pathlib.Path(cls.dir.name)

    @classmethod
    def tearDownClass(cls):
        cls.dir.cleanup()

    def one(self, pattern):
        found = list(self.root.rglob(pattern))
        self.assertEqual(len(found), 1, (pattern, found))
        return found[0]

    def test_all_parts_are_there(self):
        for pattern in ("bin/tlswhy", "include/tlswhy/tlswhy.h", "pkgconfig/tlswhy.pc",
                        "man1/tlswhy.1", "bash-completion/completions/tlswhy.bash",
                        "site-functions/_tlswhy", "vendor_completions.d/tlswhy.fish",
                        "tlswhy/tlswhy-1.schema.json"):
            self.assertGreater(self.one(pattern).stat().st_size, 500 if "pc" not in pattern else 50)
        self.assertTrue(list(self.root.rglob("libtlswhy.*")))

    def test_the_binary_runs_from_there(self):
        p = subprocess.run([self.one("bin/tlswhy"), "--version"], capture_output=True, text=True)
        self.assertEqual((p.returncode, p.stdout), (0, tw.tlswhy("--version").out))

    def test_a_program_compiles_links_and_runs(self):
        source = self.root / "main.c"
        source.write_text(PROGRAM)
        env = {**os.environ, "PKG_CONFIG_PATH": str(self.one("pkgconfig/tlswhy.pc").parent)}
        prefix = subprocess.run(["pkg-config", "--variable=prefix", "tlswhy"], env=env, check=True,
                                capture_output=True, text=True).stdout.strip()
        flags = subprocess.run(["pkg-config", "--define-variable=prefix=%s%s" % (self.root, prefix),
                                "--cflags", "--libs", "tlswhy"], env=env, check=True,
                               capture_output=True, text=True).stdout.split()
        for cc in ("gcc", "clang"):
            with self.subTest(cc=cc):
                if shutil.which(cc) is None:
                    self.skipTest("no " + cc)
                self.compile_and_run(cc, source, self.root / ("use-" + cc), flags)

    def compile_and_run(self, cc, source, binary, flags):
        # -fno-lto: whoever has another compiler must be able to link it too
        p = subprocess.run([cc, "-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-fno-lto",
                            str(source), "-o", str(binary), *flags], capture_output=True, text=True)
        self.assertEqual((p.returncode, p.stdout + p.stderr), (0, ""))
        run = subprocess.run([str(binary), "no-such-name.invalid"], capture_output=True, text=True,
                             timeout=60)
        self.assertEqual((run.returncode, run.stderr), (1, ""))
        obj = json.loads(run.stdout)
        self.assertEqual((cliparts.violations(obj), tw.causes(obj)), ([], ["dns-failure"]))

    def test_the_header_is_good_for_cplusplus(self):
        if shutil.which("g++") is None:
            self.skipTest("no g++")
        source = self.root / "main.cc"
        source.write_text("#include <tlswhy/tlswhy.h>\nint main() { return tw_version_text() == 0; }\n")
        include = self.one("include/tlswhy/tlswhy.h").parents[1]
        p = subprocess.run(["g++", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", str(include),
                            str(source)], capture_output=True, text=True)
        self.assertEqual((p.returncode, p.stderr), (0, ""))


class Manual(unittest.TestCase):
    """More on the page than tests/docs asks of it."""

    text = (tw.TOP / "docs/tlswhy.1").read_text().replace("\\-", "-")

    def test_has_every_section(self):
        for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "TARGETS", "OPTIONS OF CHECK",
                        "JSON OUTPUT", "EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES", "SEE ALSO"):
            self.assertIn("\n.SH %s\n" % section, self.text)
        for status in ("0", "1", "2", "3", "130"):
            self.assertIn("\n.TP\n.B %s\n" % status, self.text)

    def test_has_every_command(self):
        for c in COMMANDS:
            self.assertIn("\n.TP\n.B %s\n" % c, self.text)

    def test_describes_no_option_that_is_not_there(self):
        known = {n for c in [[]] + [[c] for c in COMMANDS] for names in options_of(c) for n in names}
        known |= {"--version", "-V"}
        for name in re.findall(r"(?<![\w-])--[a-z][\w-]+", self.text):
            self.assertIn(name, known)


class Completions(unittest.TestCase):
    def script(self, shell):
        r = tw.tlswhy("completions", shell)
        self.assertEqual((r.status, r.err), (0, ""))
        return r.out

    def test_every_option_is_in_each(self):
        for shell in ("bash", "zsh", "fish"):
            text = self.script(shell)
            for c in COMMANDS:
                for long_name, letter in options_of([c]):
                    if long_name is None:
                        want = "-s %s" % letter[1] if shell == "fish" else letter
                    else:
                        want = "-l %s" % long_name[2:] if shell == "fish" else long_name
                    self.assertRegex(text, r"(?<![\w-])%s(?![\w-])" % re.escape(want), shell)

    def shell(self, name, script):
        if shutil.which(name) is None:
            self.skipTest(name + " is not installed")
        with tempfile.TemporaryDirectory() as d:
            path = os.path.join(d, "_tlswhy")
            with open(path, "w") as f:
                f.write(self.script(name))
            p = subprocess.run([name, "-c", script, name, path], capture_output=True, text=True,
                               timeout=60, env={**os.environ, "PATH": "%s:%s" % (
                                   tw.TLSWHY_RELEASE.parent, os.environ["PATH"])})
        self.assertEqual((p.returncode, p.stderr), (0, ""), p.stdout)
        return p.stdout.split()

    def bash(self, *words):
        return self.shell("bash", 'source "$1"; COMP_WORDS=(%s); COMP_CWORD=%d; compopt() { :; }; '
                          '_tlswhy; printf "%%s\\n" "${COMPREPLY[@]}"' % (
                              " ".join("'%s'" % w for w in words), len(words) - 1))

    def test_bash(self):
        self.assertEqual(self.bash("tlswhy", "--serv"), ["--servername"])
        self.assertEqual(self.bash("tlswhy", "x.example", "--verb"), ["--verbose"])
        self.assertEqual(self.bash("tlswhy", "lab", "--di"), ["--diagnose"])
        self.assertEqual(self.bash("tlswhy", "lab", "--serv"), [])
        self.assertEqual(self.bash("tlswhy", "rep"), ["replay"])
        self.assertEqual(self.bash("tlswhy", "--color", "al"), ["always"])
        self.assertIn("cert-expired", self.bash("tlswhy", "causes", "cert-e"))
        self.assertIn("healthy-tls12", self.bash("tlswhy", "lab", "healthy-t"))

    def test_zsh_reads_it(self):
        out = self.shell("zsh", 'autoload -U compinit; zsh -n "$1" && echo good')
        self.assertEqual(out, ["good"])

    def test_fish(self):
        if shutil.which("fish") is None:
            self.skipTest("fish is not installed")
        with tempfile.NamedTemporaryFile("w", suffix=".fish") as f:
            f.write(self.script("fish"))
            f.flush()
            for line, want in (("tlswhy --serv", "--servername"), ("tlswhy lab --diag", "--diagnose"),
                               ("tlswhy rep", "replay"), ("tlswhy --color al", "always")):
                p = subprocess.run(["fish", "--no-config", "-c", "source %s; complete -C '%s'" % (
                    f.name, line)], capture_output=True, text=True, timeout=60,
                    env={**os.environ, "PATH": "%s:%s" % (tw.TLSWHY_RELEASE.parent,
                                                          os.environ["PATH"])})
                self.assertEqual((p.returncode, p.stderr), (0, ""))
                self.assertIn(want, p.stdout.split(), line)


if __name__ == "__main__":
    unittest.main()

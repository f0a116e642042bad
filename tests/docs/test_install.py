"""`meson install` gives what README.md says, and it can be used from where it is put."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from tw import RELEASE

PROGRAM = r"""
#include <tlswhy/tlswhy.h>
#include <stdio.h>
int main(void)
{
    struct tw_lib *lib = tw_lib_new();
    struct tw_options *o = tw_options_new();
    struct tw_result *r;
    const char *why;
    if (lib == NULL || o == NULL || tw_options_set(o, lib, "timeout", "5", &why) != 0 ||
        tw_check(lib, o, "nosuch.invalid", NULL, NULL, &r, &why) != 0)
        return 1;
    puts(tw_result_cause(r));
    tw_result_free(r);
    tw_options_free(o);
    tw_lib_free(lib);
    return 0;
}
"""


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if shutil.which("meson") is None or not (RELEASE / "build.ninja").exists():
            raise unittest.SkipTest("no release build with meson here")
        cls.directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.directory.cleanup)
        cls.root = pathlib.Path(cls.directory.name)
        subprocess.run(["meson", "install", "-C", str(RELEASE), "--no-rebuild", "--quiet",
                        "--destdir", str(cls.root)], check=True, capture_output=True)

    def one(self, pattern):
        found = list(self.root.glob("**/" + pattern))
        self.assertEqual(len(found), 1, pattern)
        return found[0]

    def test_everything_is_there(self):
        for pattern in ("bin/tlswhy", "include/tlswhy/tlswhy.h", "man/man1/tlswhy.1",
                        "pkgconfig/tlswhy.pc"):
            with self.subTest(file=pattern):
                self.one(pattern)

    def test_program_runs(self):
        r = subprocess.run([str(self.one("bin/tlswhy")), "--version"], capture_output=True, text=True)
        self.assertEqual(r.returncode, 0)
        self.assertRegex(r.stdout, r"^tlswhy \d+\.\d+\.\d+ \(OpenSSL ")

    def test_library_links_with_any_compiler(self):
        pc = self.one("pkgconfig/tlswhy.pc").parent
        env = {**os.environ, "PKG_CONFIG_PATH": str(pc), "PKG_CONFIG_SYSROOT_DIR": ""}
        env["PKG_CONFIG_PATH"] += os.pathsep + os.environ.get("PKG_CONFIG_PATH", "")
        prefix = next(p for p in pc.parents if (p / "bin/tlswhy").exists())
        flags = subprocess.run(["pkg-config", "--define-variable=prefix=%s" % prefix, "--cflags",
                                "--libs", "tlswhy"], env=env, capture_output=True, text=True,
                               check=True).stdout.split()
        source = self.root / "use.c"
        source.write_text(PROGRAM)
        for cc in ("gcc", "clang"):
            if shutil.which(cc) is None:
                continue  # script/setup installs both for the tests
            with self.subTest(cc=cc):
                program = str(self.root / ("use-" + cc))
                # without LTO: what is asked is whether plain object code is in it
                r = subprocess.run([cc, "-fno-lto", "-Wall", str(source), "-o", program, *flags],
                                   capture_output=True, text=True)
                self.assertEqual((r.returncode, r.stderr), (0, ""))
                out = subprocess.run([program], capture_output=True, text=True, timeout=30)
                self.assertEqual((out.returncode, out.stdout), (0, "dns-failure\n"))


if __name__ == "__main__":
    unittest.main()

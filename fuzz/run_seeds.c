/*
 * Runs a fuzz target without libFuzzer: over every seed as it is, then over mutations of the seeds
 * that a fixed start value determines, so that a run can be repeated. It finds what a few thousand
 * inputs can find and needs no special compiler; for real fuzzing use -Dfuzz=true.
 *
 *   fuzz_NAME [-n MUTATIONS] [-t SECONDS] [-s START] [-o FILE] [FILE|DIR]...
 *
 * -t limits the processor time spent on mutations. With -o each input is written to FILE before it
 * runs, so that after a crash FILE is the input that did it.
 */
#include "base/base.h"

#include <dirent.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEED_LIMIT = 4096, INPUT_LIMIT = 1 << 20, EDIT_LIMIT = 8 };

struct run {
    struct tw_buf seeds[SEED_LIMIT];
    size_t seeds_n;
    uint64_t random;
    unsigned long mutations, seconds;
    const char *keep; /* -o */
};

static bool read_file(const char *path, struct tw_buf *out)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return false;
    uint8_t part[4096];
    size_t n = fread(part, 1, sizeof part, f);
    while (n > 0 && tw_buf_add(out, part, n))
        n = fread(part, 1, sizeof part, f);
    bool ok = ferror(f) == 0 && !out->failed;
    fclose(f);
    return ok;
}

static bool add_seed(struct run *r, const char *path)
{
    if (r->seeds_n == SEED_LIMIT)
        return false;
    struct tw_buf *b = &r->seeds[r->seeds_n++];
    tw_buf_init(b, INPUT_LIMIT);
    return read_file(path, b);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name); /* not the order of the file system */
}

static bool add_directory(struct run *r, const char *path, struct dirent **names, int n)
{
    bool ok = true;
    for (int i = 0; i < n; i++) {
        char file[4096];
        int len = snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.' && ok)
            ok = len > 0 && (size_t)len < sizeof file && add_seed(r, file);
        free(names[i]);
    }
    free(names);
    return ok;
}

static bool add_path(struct run *r, const char *path)
{
    struct dirent **names = NULL;
    int n = scandir(path, &names, NULL, by_name);
    bool ok = n >= 0 ? add_directory(r, path, names, n) : add_seed(r, path);
    if (!ok)
        fprintf(stderr, "%s: cannot be read\n", path);
    return ok;
}

/* Each input lies in a block of just its size, so that a sanitizer sees any step beyond it. */
static bool run_one(const struct run *r, struct tw_view in)
{
    if (r->keep != NULL) {
        FILE *f = fopen(r->keep, "wb");
        bool ok = f != NULL && (in.len == 0 || fwrite(in.data, 1, in.len, f) == in.len);
        if (f == NULL || fclose(f) != 0 || !ok) {
            fprintf(stderr, "%s: cannot be written\n", r->keep);
            return false;
        }
    }
    uint8_t *exact = malloc(in.len == 0 ? 1 : in.len);
    if (exact == NULL)
        return false;
    if (in.len > 0)
        memcpy(exact, in.data, in.len);
    LLVMFuzzerTestOneInput(exact, in.len);
    free(exact);
    return true;
}

/* ---- mutations ---------------------------------------------------------------------------- */

/* xorshift64*: repeatable, and good enough to pick places. */
static uint64_t next_random(struct run *r)
{
    r->random ^= r->random >> 12;
    r->random ^= r->random << 25;
    r->random ^= r->random >> 27;
    return r->random * UINT64_C(2685821657736338717);
}

static size_t below(struct run *r, size_t n)
{
    return n == 0 ? 0 : (size_t)(next_random(r) >> 16) % n;
}

static void insert(struct tw_buf *b, size_t at, struct tw_view v)
{
    size_t tail = b->len - at;
    if (v.len == 0 || tw_buf_grow(b, v.len) == NULL)
        return;
    memmove(b->data + at + v.len, b->data + at, tail);
    memcpy(b->data + at, v.data, v.len);
}

static void erase(struct tw_buf *b, size_t at, size_t n)
{
    if (n == 0)
        return;
    memmove(b->data + at, b->data + at + n, b->len - at - n);
    b->len -= n;
}

static void insert_some(struct run *r, struct tw_buf *b, struct tw_view from)
{
    size_t off = below(r, from.len);
    struct tw_view v = tw_view_sub(from, off, 1 + below(r, 64));
    uint8_t copy[64]; /* from may be b itself */
    if (v.len > 0)
        memcpy(copy, v.data, v.len);
    insert(b, below(r, b->len + 1), tw_view_of(copy, v.len));
}

static void edit(struct run *r, struct tw_buf *b)
{
    static const uint8_t edges[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0xfe, 0x16, 0x03, '"', '\n'};
    size_t at = below(r, b->len);
    uint8_t any[4];
    switch (below(r, 8)) {
    case 0:
        if (b->len > 0)
            b->data[at] ^= (uint8_t)(1u << below(r, 8));
        break;
    case 1:
        if (b->len > 0)
            b->data[at] = edges[below(r, sizeof edges)];
        break;
    case 2:
        if (b->len > 0)
            b->data[at] = (uint8_t)(b->data[at] + (below(r, 2) == 0 ? 1 : 255));
        break;
    case 3:
        for (size_t i = 0; i < sizeof any; i++)
            any[i] = (uint8_t)below(r, 256);
        insert(b, below(r, b->len + 1), tw_view_of(any, 1 + below(r, sizeof any)));
        break;
    case 4:
        erase(b, at, below(r, b->len - at < 32 ? b->len - at + 1 : 32));
        break;
    case 5:
        b->len = at; /* cut off */
        break;
    case 6:
        insert_some(r, b, tw_buf_view(b));
        break;
    default:
        if (r->seeds_n > 0)
            insert_some(r, b, tw_buf_view(&r->seeds[below(r, r->seeds_n)]));
        break;
    }
}

static bool run_mutation(struct run *r)
{
    struct tw_buf b;
    tw_buf_init(&b, INPUT_LIMIT + 4096);
    if (r->seeds_n > 0)
        tw_wr_bytes(&b, tw_buf_view(&r->seeds[below(r, r->seeds_n)]));
    size_t edits = 1 + below(r, EDIT_LIMIT);
    for (size_t i = 0; i < edits; i++)
        edit(r, &b);
    bool ok = run_one(r, tw_buf_view(&b));
    tw_buf_cleanup(&b);
    return ok;
}

static bool run_all(struct run *r)
{
    bool ok = run_one(r, (struct tw_view){NULL, 0});
    for (size_t i = 0; ok && i < r->seeds_n; i++)
        ok = run_one(r, tw_buf_view(&r->seeds[i]));
    clock_t start = clock();
    unsigned long done = 0;
    while (ok && done < r->mutations &&
           (unsigned long)((clock() - start) / CLOCKS_PER_SEC) < r->seconds) {
        ok = run_mutation(r);
        done++;
    }
    printf("%zu seeds, %lu mutations\n", r->seeds_n, done);
    return ok;
}

static bool read_args(struct run *r, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        char opt = argv[i][0] == '-' && strlen(argv[i]) == 2 ? argv[i][1] : '\0';
        const char *value = opt == '\0' || i + 1 == argc ? NULL : argv[i + 1];
        if (opt == '\0' && add_path(r, argv[i]))
            continue;
        if (value == NULL || strchr("ntso", opt) == NULL)
            return false;
        if (opt == 'n')
            r->mutations = strtoul(value, NULL, 10);
        else if (opt == 't')
            r->seconds = strtoul(value, NULL, 10);
        else if (opt == 's')
            r->random = strtoull(value, NULL, 10) | 1; /* zero would stay zero */
        else
            r->keep = value;
        i++;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct run *r = calloc(1, sizeof *r);
    if (r == NULL)
        return 1;
    r->random = 1;
    r->mutations = 1000;
    r->seconds = 60;
    bool usage_ok = read_args(r, argc, argv);
    if (!usage_ok)
        fprintf(stderr,
                "usage: %s [-n MUTATIONS] [-t SECONDS] [-s START] [-o FILE] [FILE|DIR]...\n",
                argv[0]);
    bool ok = usage_ok && run_all(r);
    for (size_t i = 0; i < r->seeds_n; i++)
        tw_buf_cleanup(&r->seeds[i]);
    free(r);
    return ok ? 0 : usage_ok ? 1 : 2;
}

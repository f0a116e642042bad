/* What the finders of trust stores share. */
#ifndef TW_STORES_INTERNAL_H
#define TW_STORES_INTERNAL_H

#include "probe/probe.h"

struct stores_search {
    struct tw_lib *lib;
    struct tw_store_list *list;
    const char *password;
    const char *seen[TW_MAX_STORES]; size_t seen_n; /* real paths, so that a link is no second store */
    size_t found;                                   /* stores of the kind that is looked for */
};

/** Text in the list's arena, printf style; never NULL. */
const char *stores_text(struct stores_search *s, const char *fmt, ...) TW_PRINTF(2, 3);
/** An empty store at the end of the list; NULL when there is no room. */
struct tw_store *stores_new(struct stores_search *s, const char *name, const char *label);
/** A store with what a file or directory holds; NULL when it was there already. */
struct tw_store *stores_add_file(struct stores_search *s, const char *name, const char *title,
                                 const char *path);
/** Adds what a file, or the files of a directory, hold. */
void stores_read_path(struct stores_search *s, struct tw_store *st, const char *path);
/** Calls each() for what patterns (NULL-terminated, for glob(7), "$HOME/..." at the start) name. */
void stores_each_path(struct stores_search *s, const char *const *patterns,
                      void (*each)(struct stores_search *s, const char *path));

/* stores_lang.c */
void stores_find_java(struct stores_search *s);
void stores_add_java(struct stores_search *s, const char *cacerts);
void stores_find_certifi(struct stores_search *s);

/* stores_tools.c: those that need a program */
void stores_find_node(struct stores_search *s);
void stores_find_nss(struct stores_search *s);
void stores_add_nss(struct stores_search *s, const char *dir);

#endif

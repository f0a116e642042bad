/*
 * Explains many texts in one process: on standard input each text with its length in decimal and a
 * newline before it; on standard output one JSON object a line, as of `tlswhy explain --json`.
 */
#include "tlswhy/tlswhy.h"

#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    struct tw_lib *lib = tw_lib_new();
    unsigned long len;
    int rc = lib == NULL;
    while (rc == 0 && scanf("%lu", &len) == 1 && getchar() == '\n' && len < 1u << 26) {
        char *text = malloc(len + 1), *json = NULL;
        struct tw_result *r = NULL;
        if (text == NULL || fread(text, 1, len, stdin) != len ||
            tw_explain_text(lib, text, len, &r) != 0 || (json = tw_result_json(r)) == NULL)
            rc = 1;
        else
            fputs(json, stdout);
        free(json);
        tw_result_free(r);
        free(text);
    }
    tw_lib_free(lib);
    return rc;
}

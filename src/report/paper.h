/* Text on a page of a given width: wrapping, colour, and nothing a peer sent that could hurt. */
#ifndef TW_PAPER_H
#define TW_PAPER_H

#include "report/report.h"

enum ink { INK_PLAIN, INK_GOOD, INK_BAD, INK_DIM, INK_BOLD };

struct paper {
    struct tw_buf *out;
    unsigned width;
    bool colour;
    size_t used;     /* columns that paper_word() has filled on this line */
};

void paper_ink(struct paper *p, enum ink ink);
/** A word of ours in that ink at the start of a line; paper_item() goes on behind it. */
void paper_word(struct paper *p, enum ink ink, const char *word);
/**
 * A paragraph: label, then text wrapped at the width; further lines are indented like the text.
 * Control characters and broken UTF-8 in text become '?'.
 */
void paper_item(struct paper *p, unsigned indent, const char *label, unsigned label_width,
                const char *text);
/** A line to be copied from the page: as it is, however long. */
void paper_verbatim(struct paper *p, unsigned indent, const char *text);
/** For whom, what to do, and the snippet, unwrapped: beside the label when there is no text. */
void paper_fix(struct paper *p, const struct tw_fix *fix);
/** A line as it is, cut at the width. */
void paper_line(struct paper *p, unsigned indent, const char *text);
void paper_heading(struct paper *p, const char *text);
void paper_blank(struct paper *p);

#endif

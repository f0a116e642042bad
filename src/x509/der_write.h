/* A few DER elements written, for requests and names built from parts (X.690 8.1). */
#ifndef TW_DER_WRITE_H
#define TW_DER_WRITE_H

#include "base/base.h"

/** Element with the contents a followed by b (either may be empty). */
void der_put2(struct tw_buf *out, uint8_t tag, struct tw_view a, struct tw_view b);
void der_put(struct tw_buf *out, uint8_t tag, struct tw_view contents);

#endif

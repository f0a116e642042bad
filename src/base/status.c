/* Status texts, from the same list as the enum. */
#include "base/base.h"

const char *tw_status_text(enum tw_status st)
{
    static const char *const texts[] = {
#define X(id, text) text,
        TW_STATUS_LIST(X)
#undef X
    };
    return (size_t)st < TW_ARRAY_LEN(texts) ? texts[st] : "unknown status";
}

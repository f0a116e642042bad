/* Alert, RFC 8446 6: a level and a description. */
#include "wire/wire.h"

bool tw_alert_decode(struct tw_reader *r, struct tw_alert *a)
{
    a->level = tw_rd_u8(r, "level");
    a->description = tw_rd_u8(r, "description");
    return tw_rd_end(r, "alert");
}

/* A bounded DER walk (X.690) on the reader: definite lengths, one-byte tags. */
#ifndef TW_DER_H
#define TW_DER_H

#include "base/base.h"

enum { DER_BOOL = 0x01, DER_INT = 0x02, DER_BITS = 0x03, DER_OCTETS = 0x04, DER_OID = 0x06,
       DER_UTC = 0x17, DER_GENTIME = 0x18, DER_SEQ = 0x30, DER_SET = 0x31 };

/** Tag of the next element, 0 when nothing is left. */
uint8_t der_peek(const struct tw_reader *r);
/** Next element of any tag: a reader over its contents (offsets stay those of the whole), and in
 *  *whole, when wanted, the element with its header. */
struct tw_reader der_any(struct tw_reader *r, uint8_t *tag, struct tw_view *whole,
                         const char *field);
/** Next element, which must have the tag. */
struct tw_reader der_next(struct tw_reader *r, uint8_t tag, const char *field);
struct tw_view der_bytes(struct tw_reader *r, uint8_t tag, const char *field);
/** As der_next, and the element with its header. */
struct tw_reader der_whole(struct tw_reader *r, uint8_t tag, struct tw_view *whole,
                           const char *field);
/** If the next element has the tag: passes it over and gives its contents. */
bool der_optional(struct tw_reader *r, uint8_t tag, struct tw_reader *contents);
/** UTCTime or GeneralizedTime (RFC 5280 4.1.2.5) to unix seconds. */
int64_t der_time(struct tw_reader *r, const char *field);

/** Is there such a day in the Gregorian calendar? */
bool der_is_day(int year, int month, int day);
/** Days since 1970-01-01. */
int64_t der_days(int year, int month, int day);

#endif

/*
 * A bounded DER walk (X.690) on the reader: definite and minimal lengths, one-byte tags. Offsets of
 * failures are those at which the element starts.
 */
#ifndef TW_DER_H
#define TW_DER_H

#include "base/base.h"

enum { DER_BOOL = 0x01, DER_INT = 0x02, DER_BITS = 0x03, DER_OCTETS = 0x04, DER_NULL = 0x05,
       DER_OID = 0x06, DER_UTC = 0x17, DER_GENTIME = 0x18, DER_SEQ = 0x30, DER_SET = 0x31 };

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
/** BOOLEAN that must be FALSE (00) or TRUE (ff); anything else fails. */
bool der_bool(struct tw_reader *r, const char *field);
/** INTEGER from 0 to 2^30; larger ones are given as 2^30, negative ones fail. */
int der_small(struct tw_reader *r, uint8_t tag, const char *field);
/** Contents of an INTEGER in its shortest form (X.690 8.3.2)? */
bool der_int_minimal(struct tw_view v);
/** BIT STRING whose unused bits are counted right; contents without the count, *unused set. */
struct tw_view der_bits(struct tw_reader *r, unsigned *unused, const char *field);
/** UTCTime or GeneralizedTime (RFC 5280 4.1.2.5) to unix seconds. */
int64_t der_time(struct tw_reader *r, const char *field);
/** The failure of a sub-reader becomes that of the reader it came from. */
void der_adopt(struct tw_reader *r, const struct tw_reader *sub);
/** Reader over the contents of the SEQUENCE that v is as a whole. */
struct tw_reader der_open(struct tw_view v, uint8_t tag, const char *field);

/** Is there such a day in the Gregorian calendar? */
bool der_is_day(int year, int month, int day);
/** Days since 1970-01-01. */
int64_t der_days(int year, int month, int day);

#endif

#include <linux/sched.h>
#include "local.h"

/* All forms of members. */
typedef unsigned int my_u32;
typedef int (*callback_t)(void *ctx, const char *name);

enum color { RED, GREEN = 5, BLUE };
enum { ANON_A = -3, ANON_B };
enum wide { WIDE = 1ULL << 40 };
enum tiny { TINY_A, TINY_B } __attribute__((packed));

#define COUNT 4
#define NAME_LEN (COUNT * 4)

struct member {
	char name[NAME_LEN];
	my_u32 id;
	struct {
		u8 a;
		u64 b;
	};
	union {
		int i;
		float f;
		struct { short lo, hi; } parts;
	} u;
	unsigned int x : 3, y : 5, : 0, z : 1;
	enum color color;
	enum tiny tiny;
	callback_t cb;
	struct member *next, **prev, *table[COUNT];
	int matrix[2][3];
	struct list_head list;
	const volatile char __user *text;
	_Bool on;
	char flex[];
};

struct packed {
	char a;
	int b;
	unsigned c : 7, d : 12;
	long e;
} __attribute__((packed));

struct aligned {
	char a __attribute__((aligned(16)));
	char b;
} __attribute__((aligned(32)));

union any {
	struct packed p;
	sector_nr n;
	char bytes[3];
};

int prototype(struct member *m, size_t n, ...);

/*
 * Clocks that somebody else steers: preloaded into a process, CLOCK_REALTIME and CLOCK_MONOTONIC run as the file
 * ALO_CLOCK_FILE says, at any speed, and every wait for them ends when they have come so far. The file is mapped; whoever
 * steers may set both ahead, and change their speed, at any time (tests/live/steered_clock.py). Where it says so they
 * run no faster than the machine's beyond a limit, which a process that is kept in step sets ahead. They never stand
 * still: .NET's garbage collector spins until they have moved.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL
#define LONGEST (50 * 1000000LL) /* until a wait looks again, as the speed may have changed */
#define AT_LIMIT (2 * 1000000LL) /* the same, beyond the limit */
#define WALL_BEGINS (1000000000LL * SECOND) /* no machine has been up for so long, and no wall clock is before it */

struct setting {
    int64_t machine; /* CLOCK_MONOTONIC of the machine, when the rest was true */
    int64_t wall;
    int64_t monotonic;
    double speed; /* nanoseconds of both in one of the machine's */
    int64_t in_step; /* whether there is a limit */
};

struct steering {
    int64_t version; /* the second setting counts where it is odd; the other one is written next */
    struct setting settings[2];
    int64_t limit; /* of the wall clock */
    int64_t other_limit; /* the same, of who steers; 0 where there is none */
};

static const struct steering *steering;
static int (*machine_clock)(clockid_t, struct timespec *);

__attribute__((constructor)) static void map(void)
{
    machine_clock = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    const char *path = getenv("ALO_CLOCK_FILE");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *at = mmap(NULL, sizeof(struct steering), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (at != MAP_FAILED)
        steering = at;
}

static int64_t nanoseconds(const struct timespec *time)
{
    return time->tv_sec * SECOND + time->tv_nsec;
}

static struct timespec timespec_of(int64_t time)
{
    struct timespec found = {time / SECOND, time % SECOND};
    return found;
}

static int64_t machine_now(void)
{
    struct timespec now;
    machine_clock(CLOCK_MONOTONIC, &now);
    return nanoseconds(&now);
}

/* What a steered clock says, and its speed: below 0 beyond the limit. */
static int64_t steered(int is_wall, double *speed)
{
    int64_t version, found, limit, other;
    do {
        version = __atomic_load_n(&steering->version, __ATOMIC_ACQUIRE);
        struct setting setting = steering->settings[version & 1];
        *speed = setting.speed;
        int64_t passed = machine_now() - setting.machine;
        found = (int64_t)((double)passed * *speed);
        limit = __atomic_load_n(&steering->limit, __ATOMIC_RELAXED);
        other = __atomic_load_n(&steering->other_limit, __ATOMIC_RELAXED);
        limit = (other && other < limit ? other : limit) - setting.wall;
        limit = limit > 0 ? limit : 0;
        if (setting.in_step && found > limit) {
            found = limit + passed - (int64_t)((double)limit / *speed);
            *speed = -1;
        }
        found += is_wall ? setting.wall : setting.monotonic;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (version != __atomic_load_n(&steering->version, __ATOMIC_RELAXED));
    return found;
}

static int is_wall(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
}

static int is_monotonic(clockid_t clock)
{
    return clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_MONOTONIC_RAW ||
           clock == CLOCK_BOOTTIME;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    double speed;
    if (!steering || !(is_wall(clock) || is_monotonic(clock)))
        return machine_clock ? machine_clock(clock, now) : (int)syscall(SYS_clock_gettime, clock, now);
    *now = timespec_of(steered(is_wall(clock), &speed));
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *now)
{
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (now)
        *now = exact.tv_sec;
    return exact.tv_sec;
}

/* The machine's nanoseconds until a steered deadline, at most LONGEST; 0 once it has come. */
static int64_t left_until(int64_t deadline)
{
    double speed;
    int64_t left = deadline - steered(deadline >= WALL_BEGINS, &speed);
    if (left <= 0)
        return 0;
    if (speed < 0)
        return left < AT_LIMIT ? left : AT_LIMIT;
    if (speed == 0 || left / speed > LONGEST)
        return LONGEST;
    return 1 + (int64_t)(left / speed);
}

static int sleep_until(int64_t deadline, int64_t *rest)
{
    int64_t left;
    while ((left = left_until(deadline)) > 0) {
        struct timespec real = timespec_of(left);
        if (syscall(SYS_nanosleep, &real, NULL) && errno == EINTR) {
            double speed;
            *rest = deadline - steered(deadline >= WALL_BEGINS, &speed);
            if (*rest < 0)
                *rest = 0;
            return EINTR;
        }
    }
    return 0;
}

static int64_t steered_monotonic(void)
{
    double speed;
    return steered(0, &speed);
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *wanted, struct timespec *rest)
{
    int64_t remains = 0, deadline = nanoseconds(wanted);
    if (!steering || !(is_wall(clock) || is_monotonic(clock)))
        return syscall(SYS_clock_nanosleep, clock, flags, wanted, rest) ? errno : 0;
    if (!(flags & TIMER_ABSTIME))
        deadline += steered_monotonic();
    int failed = sleep_until(deadline, &remains);
    if (failed && rest && !(flags & TIMER_ABSTIME))
        *rest = timespec_of(remains);
    return failed;
}

int nanosleep(const struct timespec *wanted, struct timespec *rest)
{
    int failed = clock_nanosleep(CLOCK_MONOTONIC, 0, wanted, rest);
    if (failed)
        errno = failed;
    return failed ? -1 : 0;
}

int usleep(useconds_t microseconds)
{
    struct timespec wanted = timespec_of(microseconds * 1000LL);
    return nanosleep(&wanted, NULL);
}

/* A wait that looks again may end without a reason, which POSIX allows: whoever waits looks at what it waits for. */
static int wait_on(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *deadline)
{
    static int (*wait)(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *);
    if (!wait)
        wait = (int (*)(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *))dlsym(
            RTLD_NEXT, "pthread_cond_clockwait");
    struct timespec real = timespec_of(machine_now() + left_until(nanoseconds(deadline)));
    int failed = wait(condition, mutex, CLOCK_MONOTONIC, &real);
    return failed == ETIMEDOUT && left_until(nanoseconds(deadline)) > 0 ? 0 : failed;
}

int pthread_cond_clockwait(
    pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock, const struct timespec *deadline)
{
    static int (*wait)(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *);
    if (steering)
        return wait_on(condition, mutex, deadline);
    if (!wait)
        wait = (int (*)(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *))dlsym(
            RTLD_NEXT, "pthread_cond_clockwait");
    return wait(condition, mutex, clock, deadline);
}

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *deadline)
{
    static int (*wait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
    if (steering)
        return wait_on(condition, mutex, deadline);
    if (!wait) /* an older version of it has another layout */
        wait = (int (*)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *))dlvsym(
            RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
    return wait(condition, mutex, deadline);
}

static int wait_for_semaphore(sem_t *semaphore, const struct timespec *deadline)
{
    static int (*wait)(sem_t *, clockid_t, const struct timespec *);
    if (!wait)
        wait = (int (*)(sem_t *, clockid_t, const struct timespec *))dlsym(RTLD_NEXT, "sem_clockwait");
    for (;;) {
        int64_t left = steering ? left_until(nanoseconds(deadline)) : 0;
        struct timespec real = timespec_of(machine_now() + left);
        if (!wait(semaphore, CLOCK_MONOTONIC, &real))
            return 0;
        if (errno != ETIMEDOUT || left_until(nanoseconds(deadline)) == 0)
            return -1;
    }
}

int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *deadline)
{
    static int (*wait)(sem_t *, clockid_t, const struct timespec *);
    if (steering)
        return wait_for_semaphore(semaphore, deadline);
    if (!wait)
        wait = (int (*)(sem_t *, clockid_t, const struct timespec *))dlsym(RTLD_NEXT, "sem_clockwait");
    return wait(semaphore, clock, deadline);
}

int sem_timedwait(sem_t *semaphore, const struct timespec *deadline)
{
    return sem_clockwait(semaphore, CLOCK_REALTIME, deadline);
}

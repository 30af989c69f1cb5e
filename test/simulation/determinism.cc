#include "test/simulation/determinism.h"

#include <malloc.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdint>

namespace lapse::simulation {
namespace {

// rdtsc is 0f 31, rdtscp 0f 01 f9. Any other fault is one.
void AnswerCounter(int signal, siginfo_t*, void* context) {
  auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const auto* const code = reinterpret_cast<const uint8_t*>(registers[REG_RIP]);
  const bool reads = code[0] == 0x0f && code[1] == 0x31;
  const bool reads_with_cpu = code[0] == 0x0f && code[1] == 0x01 && code[2] == 0xf9;
  if (!reads && !reads_with_cpu) {
    ::signal(signal, SIG_DFL);
    return;
  }
  registers[REG_RIP] += reads ? 2 : 3;
  registers[REG_RAX] = registers[REG_RDX] = 0;
  if (reads_with_cpu) registers[REG_RCX] = 0;
}

}  // namespace

void FixAddresses(char** argv) {
  const int now = ::personality(0xffffffff);
  if (now < 0 || (now & ADDR_NO_RANDOMIZE) != 0) return;
  if (::personality(static_cast<unsigned long>(now) | ADDR_NO_RANDOMIZE) < 0) return;
  ::execv("/proc/self/exe", argv);
}

void FixMemoryAndCounter() {
  ::mallopt(M_ARENA_MAX, 1);
  ::mallopt(M_MMAP_MAX, 0);
  struct sigaction action = {};
  action.sa_sigaction = AnswerCounter;
  action.sa_flags = SA_SIGINFO;
  if (::sigaction(SIGSEGV, &action, nullptr) == 0) ::prctl(PR_SET_TSC, PR_TSC_SIGSEGV);
}

}  // namespace lapse::simulation

// `cinch`: what can be asked without LibTorch.
#include "src/cli/commands.h"

int main(int argc, char** argv) { return cinch::cli::main_program(argc, argv); }

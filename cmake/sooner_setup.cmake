# Compiler settings and libraries, for every room.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(SOONER_CCACHE ccache)
if(SOONER_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # The cache lives in the build folder, so that nothing is left outside the checkout, unless CCACHE_DIR names a place.
  set(sooner_ccache_folder ${CMAKE_SOURCE_DIR}/build/ccache)
  if(DEFINED ENV{CCACHE_DIR})
    set(sooner_ccache_folder $ENV{CCACHE_DIR})
  endif()
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_DIR=${sooner_ccache_folder} CCACHE_TEMPDIR=${sooner_ccache_folder}/tmp CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${SOONER_CCACHE})
endif()

# The project's private environment (scripts/install_dependencies fills it).
list(APPEND CMAKE_PREFIX_PATH ${CMAKE_SOURCE_DIR}/build/python)

add_library(sooner_flags INTERFACE)
target_include_directories(sooner_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(sooner_flags INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor)
if(SOONER_WERROR)
  target_compile_options(sooner_flags INTERFACE -Werror)
endif()
if(SOONER_SANITIZE)
  # For every target, libraries and tests alike.
  add_compile_options(-fsanitize=${SOONER_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${SOONER_SANITIZE})
endif()
if(SOONER_FUZZ)
  # So that a fuzzer sees which of our own branches an input takes, not only the target's.
  add_compile_options($<$<CXX_COMPILER_ID:Clang>:-fsanitize=fuzzer-no-link>)
endif()

# For what takes long to compile and is not slow to run: tests (the code under test is optimised) and commands. Checks for
# undefined behaviour are for the rooms: in code that only calls them they take a quarter of the compiler's time.
set(SOONER_QUICK_TO_COMPILE $<IF:$<CONFIG:Debug>,-O0,-O1>)
if(SOONER_SANITIZE MATCHES undefined)
  list(APPEND SOONER_QUICK_TO_COMPILE -fno-sanitize=undefined)
endif()

# Lets ccache keep a target's objects that were compiled with a precompiled header.
function(sooner_cache_with_precompiled_headers target)
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
endfunction()

find_package(fmt REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Threads REQUIRED)
find_package(nlohmann_json REQUIRED)
if(SOONER_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()

# sooner_add_library(ROOM [OWN_FLAGS] [OWN_TEST_FLAGS] FOLDERS names… DEPENDS rooms… LIBRARIES targets… TEST_DEPENDS rooms…)
#
# LIBRARIES that only this project's own code needs stand in $<BUILD_INTERFACE:…>; what whoever links the installed room
# must find stands in cmake/sooner-config.cmake.in as well.
#
# Makes the static library sooner_ROOM from every *.cc of the current folder and its FOLDERS but *_test.cc, and the test
# program ROOM_test from those. DEPENDS names the rooms it may include (see scripts/check_includes.py). Tests may include
# what stands under tests/ ("support/temp_folder.h"). OWN_FLAGS, OWN_TEST_FLAGS: a library brings compiler flags of its own
# to the room or to its tests (OpenMP, LibTorch, less optimisation), which then cannot share the precompiled headers of the others.

# What takes most of the time to compile a test: read once for all test programs, which are compiled alike.
if(SOONER_TESTS)
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/test_headers.cc CONTENT "")
  add_library(sooner_test_headers OBJECT ${CMAKE_BINARY_DIR}/test_headers.cc)
  target_compile_options(sooner_test_headers PRIVATE ${SOONER_QUICK_TO_COMPILE})
  target_link_libraries(sooner_test_headers PRIVATE sooner_flags GTest::gmock)
  target_precompile_headers(sooner_test_headers PRIVATE <gmock/gmock.h> <gtest/gtest.h>)
  sooner_cache_with_precompiled_headers(sooner_test_headers)
endif()

# The standard library's headers take most of the time to compile a room of small files, so instrumented builds read them
# once. Other builds do not, and so find a file that forgets one.
if(SOONER_SANITIZE)
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/library_headers.cc CONTENT "")
  add_library(sooner_library_headers OBJECT ${CMAKE_BINARY_DIR}/library_headers.cc)
  set_target_properties(sooner_library_headers PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_link_libraries(sooner_library_headers PRIVATE sooner_flags fmt::fmt)
  target_precompile_headers(sooner_library_headers PRIVATE <algorithm> <cmath> <cstdint> <cstring> <filesystem> <functional>
                            <limits> <map> <memory> <numeric> <optional> <set> <span> <string> <string_view> <vector>
                            <fmt/format.h>)
  sooner_cache_with_precompiled_headers(sooner_library_headers)
endif()

# Every test a ctest test of its own; under the address sanitizer, with which a process takes longer to start than most
# tests to run, every program is one.
function(sooner_discover_tests program label)
  if(SOONER_SANITIZE MATCHES address)
    add_test(NAME ${program} COMMAND ${program} --gtest_brief=1)
    set_tests_properties(${program} PROPERTIES TIMEOUT 1200 LABELS ${label})
  else()
    gtest_discover_tests(${program} DISCOVERY_TIMEOUT 120 NO_PRETTY_VALUES PROPERTIES TIMEOUT 600 LABELS ${label})
  endif()
endfunction()

function(sooner_add_library room)
  cmake_parse_arguments(ARG "OWN_FLAGS;OWN_TEST_FLAGS" "" "FOLDERS;DEPENDS;LIBRARIES;TEST_DEPENDS" ${ARGN})
  list(TRANSFORM ARG_FOLDERS REPLACE "(.+)" "${CMAKE_CURRENT_SOURCE_DIR}/\\1/*.cc")
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc ${ARG_FOLDERS})
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  if(NOT sources)
    # A room of headers alone is a library all the same, so that what depends on it need not know.
    set(sources ${CMAKE_CURRENT_BINARY_DIR}/${room}_headers_only.cc)
    file(CONFIGURE OUTPUT ${sources} CONTENT "")
  endif()
  list(TRANSFORM ARG_DEPENDS PREPEND sooner_)
  list(TRANSFORM ARG_TEST_DEPENDS PREPEND sooner_)
  add_library(sooner_${room} STATIC ${sources})
  set_target_properties(sooner_${room} PROPERTIES POSITION_INDEPENDENT_CODE ON EXPORT_NAME ${room})
  target_compile_features(sooner_${room} PUBLIC cxx_std_20)
  # Our include folder and warnings are ours alone: who links the installed room gets neither.
  target_link_libraries(sooner_${room} PUBLIC $<BUILD_INTERFACE:sooner_flags> fmt::fmt ${ARG_DEPENDS} ${ARG_LIBRARIES})
  if(SOONER_SANITIZE AND NOT ARG_OWN_FLAGS)
    target_precompile_headers(sooner_${room} REUSE_FROM sooner_library_headers)
    sooner_cache_with_precompiled_headers(sooner_${room})
  endif()
  if(SOONER_TESTS AND tests)
    add_executable(${room}_test ${tests})
    target_include_directories(${room}_test PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    target_compile_options(${room}_test PRIVATE ${SOONER_QUICK_TO_COMPILE})
    target_link_libraries(${room}_test PRIVATE sooner_${room} ${ARG_TEST_DEPENDS} GTest::gmock GTest::gtest_main)
    if(NOT ARG_OWN_TEST_FLAGS)
      target_precompile_headers(${room}_test REUSE_FROM sooner_test_headers)
      sooner_cache_with_precompiled_headers(${room}_test)
    endif()
    sooner_discover_tests(${room}_test ${room})
  endif()
endfunction()

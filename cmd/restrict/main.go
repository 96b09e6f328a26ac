// Command restrict limits itself and then executes a program in its place.
package main

func main() {}

#!/bin/sh
exec python3 bin/shop.py

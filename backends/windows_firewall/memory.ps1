# ---- the engine, memory: what was there before Apply; the same in every script ------------------
# It is kept in the registry, which only administrators can write; in a Group Policy object, in a
# rule that is disabled and for addresses that nobody has. Every cluster and every group of rules
# has a memory of its own. What two of them have set stays until the last of them goes, which puts
# back what was there before the first.

$memoryRoot = 'HKLM:\SOFTWARE\hcipolc'
$memoryTitle = 'hcipolc: what this object had before'

function Get-MemoryOwner {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy
    )
    # The cluster, and the group unless it is the cluster's own.
    $owner = $Policy['NamePrefix'].TrimEnd('-')
    if ($Policy['Group'] -eq ($owner -replace '^hcipolc-', 'hcipolc:')) {
        return $owner
    }
    # Groups are longer than the names of keys, and may have a backslash.
    $type = 'System.Security.Cryptography.SHA256CryptoServiceProvider'
    $hash = New-Object -TypeName $type
    $group = [System.Text.Encoding]::UTF8.GetBytes($Policy['Group'].ToLowerInvariant())
    $text = [System.BitConverter]::ToString($hash.ComputeHash($group), 0, 4)
    '{0} {1}' -f $owner, $text.Replace('-', '').ToLowerInvariant()
}

function Get-MemoryRuleName {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy
    )
    # Of a Group Policy object.
    $owner = @((Get-MemoryOwner -Policy $Policy) -split ' ')
    (@($owner[0], 'memory') + @($owner | Select-Object -Skip 1)) -join '-'
}

function Get-RegistryTable {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Key
    )
    # All values of a key of ours as texts.
    $table = @{}
    if (Test-Path -LiteralPath $Key) {
        $item = Get-ItemProperty -LiteralPath $Key -ErrorAction Stop
        if ($null -ne $item) {
            foreach ($property in $item.PSObject.Properties) {
                if ($property.Name -notlike 'PS*') {
                    $table[$property.Name] = "$($property.Value)"
                }
            }
        }
    }
    $table
}

function Get-OtherMemory {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        # A key with a key for each owner.
        [Parameter(Mandatory = $true)]
        [string] $Root,

        [Parameter(Mandatory = $true)]
        [string] $Owner
    )
    # What the others remember. Each of them has what was there before the first.
    $table = @{}
    if (Test-Path -LiteralPath $Root) {
        foreach ($item in @(Get-ChildItem -LiteralPath $Root -ErrorAction Stop)) {
            if ($item.PSChildName -ne $Owner) {
                $other = Get-RegistryTable -Key ('{0}\{1}' -f $Root, $item.PSChildName)
                foreach ($name in @($other.Keys)) {
                    $table[$name] = $other[$name]
                }
            }
        }
    }
    $table
}

function Read-StoreMemory {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Rule,

        [Parameter(Mandatory = $true)]
        [string] $Name,

        # Of the other owners.
        [Parameter()]
        [switch] $IsOther
    )
    # NAME=VALUE; NAME=VALUE
    $table = @{}
    $found = @($Rule | Where-Object { $_.Name -eq $Name })
    if ($IsOther) {
        $found = @(
            $Rule | Where-Object { $_.DisplayName -eq $memoryTitle -and $_.Name -ne $Name }
        )
    }
    foreach ($item in $found) {
        foreach ($text in @("$($item.Description)" -split '; ' -like '*=*')) {
            $left, $right = $text -split '=', 2
            $table[$left] = $right
        }
    }
    $table
}

function Save-StoreMemory {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Store,

        # What the object remembers until then.
        [Parameter(Mandatory = $true)]
        [hashtable] $Former
    )
    $rule = $Store['MemoryRule']
    $texts = foreach ($table in @($Former, $Store['Memory'])) {
        @($table.Keys | Sort-Object | ForEach-Object { "$_=$($table[$_])" }) -join '; '
    }
    if ($texts[0] -ceq $texts[1]) {
        return
    }
    if ($texts[0] -ne '') {
        Clear-StoreRule -Store $Store -Name $rule['Name']
    }
    if ($texts[1] -ne '') {
        $rule['Description'] = $texts[1]
        Add-StoreRule -Store $Store -Rule $rule
    }
}

function Write-Memory {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Store,

        # Its Value is null: there is to be no such value.
        [Parameter(Mandatory = $true)]
        [hashtable] $Change
    )
    $key, $name, $value = $Change['Key'], $Change['Name'], $Change['Value']
    if ($Store['Session'] -ne '') {
        # Written before the session is saved.
        $Store['Memory'].Remove($name)
        if ($null -ne $value) {
            $Store['Memory'][$name] = $value
        }
        return
    }
    # A question about the memory would be one too many, also while a failed run is undone.
    $quiet = @{ Confirm = $false; WhatIf = $false; ErrorAction = 'Stop' }
    if ($null -ne $value) {
        if (-not (Test-Path -LiteralPath $key)) {
            New-Item -Path $key -Force @quiet | Out-Null
        }
        $parameters = @{ LiteralPath = $key; Name = $name; Value = "$value" }
        New-ItemProperty @parameters -PropertyType 'String' -Force @quiet | Out-Null
        return
    }
    if ((Get-RegistryTable -Key $key).ContainsKey($name)) {
        Remove-ItemProperty -LiteralPath $key -Name $name @quiet
    }
    # Keys that hold nothing any more go, up to the one for all policies.
    $each = $key
    while ($each.StartsWith($memoryRoot, [System.StringComparison]::Ordinal)) {
        if (Test-Path -LiteralPath $each) {
            if ((Get-RegistryTable -Key $each).Count -gt 0 -or
                @(Get-ChildItem -LiteralPath $each -ErrorAction Stop).Count -gt 0) {
                return
            }
            Remove-Item -LiteralPath $each @quiet
        }
        $each = $each.Substring(0, $each.LastIndexOf('\'))
    }
}

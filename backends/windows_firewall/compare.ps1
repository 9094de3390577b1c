# ---- the engine, comparing: when two values mean the same to Windows; the same in every script --
# Cmdlets of NetSecurity are functions of another module, which do not see $ErrorActionPreference
# of this script: each call says -ErrorAction Stop itself, or a failure would pass unnoticed.

function Get-PropertyValue {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [AllowNull()]
        [object] $InputObject,

        [Parameter(Mandatory = $true)]
        [string] $Name
    )
    # Strict mode makes a missing property an error; older servers lack some.
    if ($null -ne $InputObject -and $null -ne $InputObject.PSObject.Properties[$Name]) {
        $InputObject.$Name
    }
}

function ConvertTo-AddressSpan {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyString()]
        [string] $Address
    )
    # Windows gives 10.0.0.0/24 back as 10.0.0.0/255.255.255.0 and may give a single address back as
    # a range, so lists are compared by first and last address in hexadecimal.
    $ends = @($Address.Trim() -split '-')
    $pair = @($ends[0] -split '/')
    $parsed = $null
    if (-not [System.Net.IPAddress]::TryParse($pair[0], [ref] $parsed)) {
        return $Address.Trim().ToLowerInvariant()
    }
    $first = $parsed.GetAddressBytes()
    $last = $parsed.GetAddressBytes()
    if ($ends.Count -eq 2) {
        $last = [System.Net.IPAddress]::Parse($ends[1]).GetAddressBytes()
    }
    elseif ($pair.Count -eq 2) {
        $mask = New-Object -TypeName 'byte[]' -ArgumentList $first.Length
        if ($pair[1] -match '[.:]') {
            $mask = [System.Net.IPAddress]::Parse($pair[1]).GetAddressBytes()
        }
        else {
            for ($i = 0; $i -lt $mask.Length; $i++) {
                $bits = [System.Math]::Max(0, [System.Math]::Min(8, [int] $pair[1] - 8 * $i))
                $mask[$i] = (255 -shl (8 - $bits)) -band 255
            }
        }
        for ($i = 0; $i -lt $mask.Length; $i++) {
            $first[$i] = $first[$i] -band $mask[$i]
            $last[$i] = $first[$i] -bor (255 -bxor $mask[$i])
        }
    }
    $texts = foreach ($bytes in @($first, $last)) {
        [System.BitConverter]::ToString($bytes).Replace('-', '')
    }
    $texts -join '-'
}

function Test-Within {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Address,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [string[]] $Range
    )
    $one = @((ConvertTo-AddressSpan -Address $Address) -split '-')[0]
    foreach ($item in $Range) {
        $ends = @((ConvertTo-AddressSpan -Address $item) -split '-')
        if ($ends.Count -eq 2 -and $ends[0].Length -eq $one.Length -and
            [string]::CompareOrdinal($ends[0], $one) -le 0 -and
            [string]::CompareOrdinal($one, $ends[1]) -le 0) {
            return $true
        }
    }
    $false
}

function Test-Port {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        [Parameter(Mandatory = $true)]
        [int] $Port,

        # None are all.
        [Parameter(Mandatory = $true)]
        [AllowNull()]
        [AllowEmptyCollection()]
        [object[]] $Range
    )
    $isAll = $true
    foreach ($item in $Range) {
        if ("$item" -eq '') {
            continue
        }
        $isAll = $false
        $ends = @("$item" -split '-')
        if ("$item" -eq 'Any' -or ("$item" -match '^[0-9]+(-[0-9]+)?$' -and
                [int] $ends[0] -le $Port -and $Port -le [int] $ends[-1])) {
            return $true
        }
    }
    $isAll
}

function ConvertTo-ListText {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowNull()]
        [AllowEmptyCollection()]
        [object[]] $Value,

        [Parameter()]
        [switch] $IsAddress
    )
    $texts = @(
        foreach ($item in $Value) {
            if ($IsAddress) {
                ConvertTo-AddressSpan -Address "$item"
            }
            else {
                # '8' may come back as '8:*', a GUID with or without its braces.
                "$item".Trim([char[]] ' {}').ToLowerInvariant() -replace ':(\*|256)$', ''
            }
        }
    )
    if ($texts.Count -eq 0) {
        return 'any'
    }
    @($texts | Sort-Object -Unique) -join ' '
}

function ConvertTo-ProfileText {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Value
    )
    $text = ConvertTo-ListText -Value ($Value -split ',')
    if ($text -eq 'domain private public') {
        return 'any'
    }
    $text
}

function ConvertTo-ProtocolText {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyString()]
        [string] $Value
    )
    switch ($Value) {
        '1' { 'icmpv4' }
        '6' { 'tcp' }
        '17' { 'udp' }
        '58' { 'icmpv6' }
        default { $Value.ToLowerInvariant() }
    }
}

function Get-RuleField {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param ()
    # What decides which packets a rule is for and what becomes of them: the parameter's name, the
    # object on which Windows keeps it, how it is compared, and what it is when nobody says it.
    $rows = @(
        'Direction Rule Text Inbound'
        'Action Rule Text Allow'
        'Enabled Rule Text True'
        'Profile Rule Profile Any'
        'EdgeTraversalPolicy Rule Text Block'
        'LooseSourceMapping Rule Flag False'
        'LocalOnlyMapping Rule Flag False'
        'Owner Rule Text Any'
        'RemoteDynamicKeywordAddresses Rule List Any'
        'PackageFamilyName Rule Text Any'
        'PolicyAppId Rule Text Any'
        'Protocol Port Protocol Any'
        'LocalPort Port List Any'
        'RemotePort Port List Any'
        'IcmpType Port List Any'
        'DynamicTarget Port Text Any'
        'LocalAddress Address Address Any'
        'RemoteAddress Address Address Any'
        'Program Application Text Any'
        'Package Application Text Any'
        'Service Service Text Any'
        'InterfaceAlias Interface List Any'
        'InterfaceType InterfaceType Text Any'
        'Authentication Security Text NotRequired'
        'Encryption Security Text NotRequired'
        'OverrideBlockRules Security Flag False'
        'LocalUser Security Text Any'
        'RemoteUser Security Text Any'
        'RemoteMachine Security Text Any'
    )
    foreach ($row in $rows) {
        $words = @($row -split ' ')
        @{ Name = $words[0]; Source = $words[1]; Kind = $words[2]; Default = $words[3] }
    }
}

function ConvertTo-FieldText {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Field,

        [Parameter(Mandatory = $true)]
        [AllowNull()]
        [AllowEmptyCollection()]
        [AllowEmptyString()]
        [object] $Value
    )
    # Equal texts mean the same to Windows.
    $text = "$Value"
    if ($text -eq '') {
        $text = $Field['Default']
    }
    if ($text -eq $Field['Default']) {
        return $text.ToLowerInvariant()
    }
    switch ($Field['Kind']) {
        'List' { ConvertTo-ListText -Value @($Value) }
        'Address' { ConvertTo-ListText -Value @($Value) -IsAddress }
        'Profile' { ConvertTo-ProfileText -Value $text }
        'Protocol' { ConvertTo-ProtocolText -Value $text }
        default { $text.ToLowerInvariant() }
    }
}

